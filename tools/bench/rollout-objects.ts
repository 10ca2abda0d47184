/** The two Deployments of rollout.ts, and what is done to them. */
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { awaitRoutesAnnotation } from '#api/committed-routes.ts'
import { Deployment } from '#api/deployment.ts'
import { Lease } from '#api/lease.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Client } from '#client/contract.ts'

export const namespace = 'default'
export const replicas = 3
export const servicePort = 80
const server = path.join(import.meta.dirname, 'rollout-server.ts')
const pollMs = 50
const patienceMs = 60_000

/** `ordered`: false is the control: its pods are stopped without waiting for routes. */
export async function createApp(client: Client, name: string, ordered: boolean): Promise<string> {
  await client.of(Deployment).create({
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: podMetadata(name, ordered), spec: podSpec() },
    } as Deployment['spec'],
  })
  const spec = { selector: { app: name }, ports: [{ port: servicePort, targetPort: 8080 }] }
  const service = await client.of(Service).create({ metadata: { name, namespace }, spec })
  return service.spec.clusterIP ?? ''
}

export function podMetadata(name: string, ordered: boolean) {
  return { labels: { app: name }, ...(!ordered && { annotations: { [awaitRoutesAnnotation]: 'false' } }) }
}

export function podSpec(): Pod['spec'] {
  const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 }
  const container = { name: 'server', image: 'localhost/host', command: [process.execPath, server], readinessProbe }
  return { terminationGracePeriodSeconds: 30, containers: [container] } as Pod['spec']
}

export async function restart(client: Client, name: string): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() }
  const patch = { spec: { template: { metadata: { annotations } } } }
  await client.of(Deployment).patch({ namespace, name }, 'strategic', patch)
}

export async function scale(client: Client, name: string, count: number): Promise<void> {
  await client.of(Deployment).patch({ namespace, name }, 'merge', { spec: { replicas: count } })
}

/** As `kubectl drain`: no new pods on the node, and those of the apps are evicted. @returns how many */
export async function drain(client: Client, node: string, apps: readonly string[]): Promise<number> {
  await client.of(Node).patch({ name: node }, 'merge', { spec: { unschedulable: true } })
  const { items } = await client.of(Pod).list({ namespace, fieldSelector: `spec.nodeName=${node}` })
  const ours = items.filter(({ metadata }) => apps.includes(metadata.labels?.['app'] ?? ''))
  for (const { metadata } of ours) {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: metadata.name, namespace } }
    await client.of(Pod).createSubresource({ namespace, name: metadata.name }, 'eviction', body)
  }
  return ours.length
}

export async function uncordon(client: Client, node: string): Promise<void> {
  await client.of(Node).patch({ name: node }, 'merge', { spec: { unschedulable: null } })
}

/** Resolves when the app has as many ready pods of its newest template as it wants, and no others, not even leaving ones. */
export async function untilSettled(client: Client, name: string): Promise<void> {
  await waitUntil(`${name} settled`, async () => {
    const { metadata, spec, status } = await client.of(Deployment).get({ namespace, name })
    const { items } = await client.of(Pod).list({ namespace, labelSelector: `app=${name}` })
    const wanted = spec.replicas ?? 1
    return (
      status?.observedGeneration === metadata.generation &&
      status?.updatedReplicas === wanted &&
      status?.availableReplicas === wanted &&
      items.length === wanted
    )
  })
}

/** Milliseconds from asking for a pod's deletion until it is gone, for a pod behind the app's Service. */
export async function timeDeletion(client: Client, app: string, ordered: boolean): Promise<number> {
  const name = `${app}-timed`
  await client.of(Pod).create({ metadata: { name, namespace, ...podMetadata(app, ordered) }, spec: podSpec() })
  const isReady = ({ status }: Pod) =>
    status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true
  await waitUntil(`${name} ready`, async () => isReady(await client.of(Pod).get({ namespace, name })))
  const stop = new AbortController()
  const fieldSelector = `metadata.name=${name}`
  const { metadata } = await client.of(Pod).list({ namespace, fieldSelector })
  const query = { namespace, fieldSelector, resourceVersion: metadata.resourceVersion ?? '' }
  const events = client.of(Pod).watch(query, stop.signal)
  const begun = performance.now()
  await client.of(Pod).delete({ namespace, name })
  for await (const batch of events) if (batch.some(({ type }) => type === 'DELETED')) break
  stop.abort()
  return performance.now() - begun
}

export async function timeWrites(client: Client, count: number): Promise<number[]> {
  const leases = client.of(Lease)
  const times: number[] = []
  const { metadata } = await leases.create({ metadata: { name: 'timed', namespace }, spec: {} })
  for (let index = 0; index < count; index++) {
    const begun = performance.now()
    await leases.patch({ namespace, name: metadata.name }, 'merge', {
      metadata: { annotations: { index: `${index}` } },
    })
    times.push(performance.now() - begun)
  }
  return times
}

/** Errors are tried again: the API may be away, because it was killed. */
async function waitUntil(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + patienceMs
  let last: unknown
  while (performance.now() < untilMs) {
    try {
      if (await isTrue()) return
    } catch (error) {
      if (isNotFound(error)) throw error
      last = error
    }
    await delay(pollMs)
  }
  throw new Error(`Cannot see ${what} in ${patienceMs} ms`, { cause: last })
}
