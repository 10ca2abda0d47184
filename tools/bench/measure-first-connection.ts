/**
 * How soon a new pod gets traffic in a cluster with many Services: from asking the API server to write that the pod is ready
 * to the first connection through its Service's cluster IP that succeeds, tried again and again from every node's network.
 * This is the kubelet of the measured pods, which nobody schedules: a client that only watches hears of it later than the
 * proxies. They share the address of a pod that really runs.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ConfigMap } from '#api/config-map.ts'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { Pod } from '#api/pod.ts'
import type { PodStatus } from '#api/pod-status.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import { createInformers, type Informers } from '#client/create-informers.ts'
import { enterHolderCommand } from '#kernel/holder.ts'
import { startBenchCluster } from './bench-cluster.ts'
import { fillCluster } from './fill-cluster.ts'
import { type Connected, monotonicMs, type Target } from './try-connecting.ts'

const namespace = 'default'
const port = 80
const server = `require('node:net').createServer((socket) => socket.on('error', () => {}).end()).listen(8080)`
const serverName = 'first-server'

export interface FirstConnectionOptions {
  readonly nodes: number
  /** Others, made before. */
  readonly services: number
  readonly rounds: number
}

export interface FirstConnectionResult {
  /** Milliseconds, one per round and node. */
  readonly connected: readonly number[]
  /** From the same moment until the API server has answered that it is written, one per round. */
  readonly accepted: readonly number[]
  /** Until a watching client hears of the EndpointSlice. */
  readonly sliceHeard: readonly number[]
  /** Control, between the rounds: from asking to write a small object until the watching client hears of it. */
  readonly writeHeard: readonly number[]
  /** Attempts after the first refusal that were neither refused nor answered. */
  readonly silent: number
  /** To make the Services and their EndpointSlices. */
  readonly fillMs: number
}

export async function measureFirstConnection(options: FirstConnectionOptions): Promise<FirstConnectionResult> {
  const { nodes, services, rounds } = options
  await using cluster = await startBenchCluster(nodes)
  const { client } = cluster
  const holder = (await cluster.processes()).find(({ role }) => role === 'holder')
  if (!holder) throw new Error('Cannot measure: the cluster has no holder process')
  const begun = monotonicMs()
  await fillCluster(client, services)
  const fillMs = monotonicMs() - begun
  const stop = new AbortController()
  await using informers = createInformers(client, stop.signal)
  await using connector = await startConnector(holder.pid, cluster.runDir, nodes)
  const [connected, accepted, sliceHeard, writeHeard]: number[][] = [[], [], [], []]
  const podIp = await startServer(client, informers)
  let silent = 0
  // The first round warms up, and waits until all those Services are in the kernels.
  for (let round = 0; round <= rounds; round++) {
    const times = await measureRound(`first-${round}`, { client, informers, connector, podIp })
    const write = await timeWriteHeard(`control-${round}`, { client, informers })
    if (round === 0) continue
    connected!.push(...times.connectedAt.map((at) => at - times.askedAt))
    accepted!.push(times.acceptedAt - times.askedAt)
    sliceHeard!.push(times.sliceAt - times.askedAt)
    writeHeard!.push(write)
    silent += times.silent
  }
  stop.abort()
  return {
    connected: connected!,
    accepted: accepted!,
    sliceHeard: sliceHeard!,
    writeHeard: writeHeard!,
    silent,
    fillMs,
  }
}

interface Running {
  readonly client: Client
  readonly informers: Informers
}

interface RoundTimes {
  readonly askedAt: number
  readonly acceptedAt: number
  readonly sliceAt: number
  readonly connectedAt: readonly number[]
  readonly silent: number
}

async function measureRound(
  name: string,
  { client, informers, connector, podIp }: Running & { readonly connector: Connector; readonly podIp: string },
): Promise<RoundTimes> {
  const address = await createService(client, name)
  await createPod(client, name, { schedulerName: 'nobody' })
  const slice = untilSeen(informers, EndpointSlice, (one) => isOf(one, name) && hasReadyEndpoint(one))
  const connected = connector.connect({ address, port })
  const askedAt = monotonicMs()
  await client.of(Pod).patchStatus({ namespace, name }, 'merge', { status: readyStatus(podIp) })
  const acceptedAt = monotonicMs()
  const [successes, sliceAt] = await Promise.all([connected, slice])
  const connectedAt = successes.map(({ atMs }) => atMs)
  const silent = successes.reduce((sum, one) => sum + one.silent, 0)
  const gone = untilSeen(informers, EndpointSlice, (one) => isOf(one, name) && !hasReadyEndpoint(one))
  await client.of(Pod).delete({ namespace, name }, { gracePeriodSeconds: 0 })
  await gone
  return { askedAt, acceptedAt, sliceAt, connectedAt, silent }
}

async function timeWriteHeard(name: string, { client, informers }: Running): Promise<number> {
  const heard = untilSeen(informers, ConfigMap, ({ metadata }) => metadata.name === name)
  const begun = monotonicMs()
  await client.of(ConfigMap).create({ metadata: { name, namespace } })
  return (await heard) - begun
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
const isOf = ({ metadata }: EndpointSlice, service: string): boolean =>
  metadata.labels?.['kubernetes.io/service-name'] === service
const hasReadyEndpoint = ({ endpoints }: EndpointSlice): boolean =>
  endpoints?.some(({ conditions }) => conditions?.ready === true) ?? false

/** @returns when the client heard of such an object */
function untilSeen<T extends KubeObject>(
  informers: Informers,
  kind: Kind<T>,
  test: (object: T) => boolean,
): Promise<number> {
  return new Promise((resolve) => {
    informers.of(kind).onChange(({ after }) => {
      if (after && test(after)) resolve(monotonicMs())
    })
  })
}

async function createService(client: Client, name: string): Promise<string> {
  const spec = { selector: { app: name }, ports: [{ port, targetPort: 8080 }] }
  const made = await client.of(Service).create({ metadata: { name, namespace }, spec })
  return made.spec?.clusterIP ?? ''
}

function readyStatus(podIp: string): PodStatus {
  const condition = { type: 'Ready', status: 'True' } as const
  return { phase: 'Running', podIP: podIp, podIPs: [{ ip: podIp }], conditions: [condition] }
}

/** @returns its address */
async function startServer(client: Client, informers: Informers): Promise<string> {
  const ready = untilSeen(informers, Pod, (pod) => pod.metadata.name === serverName && isReady(pod))
  await createPod(client, serverName)
  await ready
  const { status } = await client.of(Pod).get({ namespace, name: serverName })
  return status?.podIP ?? ''
}

async function createPod(client: Client, name: string, spec: { readonly schedulerName?: string } = {}): Promise<void> {
  const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 }
  const container = { name: 'server', image: 'localhost/host', command: ['node', '--eval', server], readinessProbe }
  await client.of(Pod).create({
    metadata: { name, namespace, labels: { app: name } },
    spec: { ...spec, terminationGracePeriodSeconds: 0, containers: [container] },
  })
}

interface Connector extends AsyncDisposable {
  connect(target: Target): Promise<Connected[]>
}

async function startConnector(holderPid: number, runDir: string, nodes: number): Promise<Connector> {
  const [enter = '', ...args] = enterHolderCommand({ pid: holderPid, privileged: process.getuid?.() === 0 })
  const helper = [process.execPath, `${import.meta.dirname}/try-connecting.ts`, runDir, String(nodes)]
  const child = spawn(enter, [...args, ...helper], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const read = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('Cannot measure: the connecting process has ended')
    return value as string
  }
  await read()
  return {
    connect: async (target) => {
      child.stdin.write(`${JSON.stringify(target)}\n`)
      return JSON.parse(await read()) as Connected[]
    },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.stdin.end()
      child.kill()
      await closed
    },
  }
}
