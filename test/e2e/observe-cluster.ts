/** Questions that several points of the suite ask of a cluster. */
import http from 'node:http'
import type { Cluster, KubeObject } from './cluster.ts'
import { waitFor, yes } from './wait-for.ts'

export interface Endpoint {
  readonly ip: string
  readonly pod: string
}

interface EndpointSliceList {
  readonly items: readonly {
    readonly endpoints?: readonly {
      readonly addresses: readonly string[]
      readonly conditions?: { readonly ready?: boolean }
      readonly targetRef?: { readonly name: string }
    }[]
  }[]
}

/** Ready endpoints of a Service. */
export async function readEndpoints(
  cluster: Cluster,
  service: string,
  namespace = 'default',
): Promise<readonly Endpoint[]> {
  const label = `kubernetes.io/service-name=${service}`
  const { items } = await cluster.get<EndpointSliceList>(['endpointslices', '-n', namespace, '-l', label])
  const endpoints = items
    .flatMap((slice) => slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
  return endpoints.flatMap(({ addresses, targetRef }) => addresses.map((ip) => ({ ip, pod: targetRef?.name ?? '' })))
}

export async function waitForEndpoints(cluster: Cluster, service: string, count: number): Promise<readonly Endpoint[]> {
  return waitFor(`${count} endpoints of ${service}`, async () => {
    const endpoints = await readEndpoints(cluster, service)
    return endpoints.length === count ? endpoints : undefined
  })
}

export async function listPods(cluster: Cluster, args: readonly string[]): Promise<readonly KubeObject[]> {
  return (await cluster.get<{ items: readonly KubeObject[] }>(['pods', ...args])).items
}

export async function waitForRollout(cluster: Cluster, target: string): Promise<void> {
  await cluster.kubectl(['rollout', 'status', target, '--timeout=60s'])
}

export async function waitForReady(cluster: Cluster, pod: string): Promise<void> {
  await cluster.kubectl(['wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=60s'])
}

/** Runs a shell command in a pod. */
export function inPod(cluster: Cluster, pod: string, script: string): Promise<string> {
  return cluster.kubectl(['exec', pod, '--', 'sh', '-c', script])
}

/** Answers of `count` new connections one after another, from inside a pod. */
export async function askFromPod(
  cluster: Cluster,
  pod: string,
  { url, count }: { url: string; count: number },
): Promise<readonly string[]> {
  const loop = `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); timeout 5 wget -qO- ${url} 2>&1 || echo FAILED; done`
  return (await inPod(cluster, pod, loop)).trimEnd().split('\n')
}

export function countBy(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** One request from this host on a connection of its own. */
export function askFromHost(host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = http.get({ host, port, agent: false, timeout: 5000 }, (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (text: string) => (body += text))
    response.on('end', () => resolve(body.trim())).on('error', reject)
  })
  request.on('timeout', () => request.destroy(new Error(`${host}:${port} does not answer`))).on('error', reject)
  return promise
}

export interface Load extends AsyncDisposable {
  /** Everything answered so far, one line per connection. */
  answers(): Promise<readonly string[]>
  /** Waits until `count` more answers have come. */
  more(count: number): Promise<void>
}

/** Starts from a pod manifest made by `renderLoad`. */
export async function startLoad(cluster: Cluster, name: string, manifest: string): Promise<Load> {
  await cluster.apply(manifest)
  await waitForReady(cluster, name)
  const answers = async () => (await cluster.kubectl(['logs', name])).trimEnd().split('\n')
  return {
    answers,
    more: async (count) => {
      const before = (await answers()).length
      await waitFor(`${count} more answers`, async () => yes((await answers()).length >= before + count))
    },
    [Symbol.asyncDispose]: async () => {
      await cluster.kubectl(['delete', 'pod', name, '--wait=true'])
    },
  }
}
