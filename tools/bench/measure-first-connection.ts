/**
 * How soon a new pod gets traffic in a cluster with many Services: from asking the API server to write that the pod is ready
 * to the first connection through its Service's cluster IP that succeeds, tried again and again from every node's network;
 * and from the moment when that write is accepted, which is when the store has it on disk.
 * This is the kubelet of the measured pods, which nobody schedules. They share the address of a pod that really runs. In most
 * rounds nobody watches but the cluster itself; in the last ones a client does, to tell when such a one hears of it.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigMap } from '#api/config-map.ts'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { Pod } from '#api/pod.ts'
import type { PodStatus } from '#api/pod-status.ts'
import { Service } from '#api/service.ts'
import { resourcePrefix } from '#apiserver/objects/storage-keys.ts'
import type { Client } from '#client/contract.ts'
import { createInformers, type Informers } from '#client/create-informers.ts'
import { enterHolderCommand } from '#kernel/holder.ts'
import { startBenchCluster } from './bench-cluster.ts'
import { fillCluster } from './fill-cluster.ts'
import { readCommit, recordingEnv } from './recorded-commits.ts'
import { type Connected, monotonicMs, type Target } from './try-connecting.ts'

const namespace = 'default'
const port = 80
const server = `require('node:net').createServer((socket) => socket.on('error', () => {}).end()).listen(8080)`
const serverName = 'first-server'
const serviceNameLabel = 'kubernetes.io/service-name'
const pollMs = 10
const patienceMs = 60_000
/** Less than any pod takes until it is ready: all that its creation causes is over. */
const quietMs = 20

export interface FirstConnectionOptions {
  readonly nodes: number
  /** Others, made before. */
  readonly services: number
  /** Connected from each node in turn. */
  readonly roundsEach: number
  /** After these, with a client that watches, connected from all nodes at once. */
  readonly watchedRounds: number
}

export interface FirstConnectionResult extends Rounds {
  readonly watched: WatchedRounds
  /** To make the Services and their EndpointSlices. */
  readonly fillMs: number
}

export interface Rounds {
  /** Milliseconds from asking, one per round and node that connected. */
  readonly connected: readonly number[]
  /** The same from when the pod's status was durable. */
  readonly connectedSinceDurable: readonly number[]
  /** From asking until the pod's status is durable, one per round. */
  readonly durable: readonly number[]
  /** Until the API server has answered that it is written. */
  readonly answered: readonly number[]
  /** Attempts after the first refusal that were neither refused nor answered. */
  readonly silent: number
}

export interface WatchedRounds extends Rounds {
  /** From asking until a watching client hears of the EndpointSlice. */
  readonly sliceHeard: readonly number[]
  /** Control, between the rounds: from asking to write a small object until the watching client hears of it. */
  readonly writeHeard: readonly number[]
}

export async function measureFirstConnection(options: FirstConnectionOptions): Promise<FirstConnectionResult> {
  const { services, roundsEach, watchedRounds } = options
  const nodes = Array.from({ length: options.nodes }, (_, index) => index + 1)
  using commits = makeCommitsFile()
  await using cluster = await startBenchCluster(options.nodes, recordingEnv(commits.file))
  const { client } = cluster
  const holder = (await cluster.processes()).find(({ role }) => role === 'holder')
  if (!holder) throw new Error('Cannot measure: the cluster has no holder process')
  const begun = monotonicMs()
  await fillCluster(client, services)
  const fillMs = monotonicMs() - begun
  await using connector = await startConnector(holder.pid, cluster.runDir)
  const running = { client, connector, podIp: await startServer(client), commitsFile: commits.file }
  // Warms up, and waits until all those Services are in the kernels.
  await measureRound('first', nodes, running)
  const all: RoundTimes[] = []
  for (let round = 0; round < roundsEach; round++) {
    for (const node of nodes) all.push(await measureRound(`first-${round}-${node}`, [node], running))
  }
  const watched = await measureWatched(watchedRounds, nodes, running)
  return { ...roundsOf(all), watched, fillMs }
}

function roundsOf(all: readonly RoundTimes[]): Rounds {
  const since = (end: 'durableAt' | 'answeredAt') => all.map((times) => times[end] - times.askedAt)
  return {
    connected: all.flatMap(({ askedAt, connectedAt }) => connectedAt.map((at) => at - askedAt)),
    connectedSinceDurable: all.flatMap(({ durableAt, connectedAt }) => connectedAt.map((at) => at - durableAt)),
    durable: since('durableAt'),
    answered: since('answeredAt'),
    silent: all.reduce((sum, times) => sum + times.silent, 0),
  }
}

async function measureWatched(rounds: number, nodes: readonly number[], running: Running): Promise<WatchedRounds> {
  const stop = new AbortController()
  await using informers = createInformers(running.client, stop.signal)
  await Promise.all([informers.of(EndpointSlice).synced, informers.of(ConfigMap).synced])
  const all: RoundTimes[] = []
  const sliceHeard: number[] = []
  const writeHeard: number[] = []
  for (let round = 0; round < rounds; round++) {
    const name = `watched-${round}`
    const heard = untilSeen(informers, EndpointSlice, (slice) => isOf(slice, name) && hasReadyEndpoint(slice))
    const times = await measureRound(name, nodes, running)
    all.push(times)
    sliceHeard.push((await heard) - times.askedAt)
    writeHeard.push(await timeWriteHeard(`control-${round}`, running.client, informers))
  }
  stop.abort()
  return { ...roundsOf(all), sliceHeard, writeHeard }
}

function makeCommitsFile(): Disposable & { readonly file: string } {
  const dir = mkdtempSync(path.join(tmpdir(), 'frontdesk-commits-'))
  return { file: path.join(dir, 'commits'), [Symbol.dispose]: () => rmSync(dir, { recursive: true }) }
}

interface Running {
  readonly client: Client
  readonly connector: Connector
  /** Of the pod that answers. */
  readonly podIp: string
  readonly commitsFile: string
}

/** By the machine's monotonic clock. */
interface RoundTimes {
  readonly askedAt: number
  readonly durableAt: number
  readonly answeredAt: number
  /** One per node that connected. */
  readonly connectedAt: readonly number[]
  readonly silent: number
}

async function measureRound(
  name: string,
  nodes: readonly number[],
  { client, connector, podIp, commitsFile }: Running,
): Promise<RoundTimes> {
  const address = await createService(client, name)
  await createPod(client, name, { schedulerName: 'nobody' })
  await untilSlice(client, name, (slice) => !hasReadyEndpoint(slice))
  await delay(quietMs)
  const connected = connector.connect({ address, port, nodes })
  const askedAt = monotonicMs()
  await client.of(Pod).patchStatus({ namespace, name }, 'merge', { status: readyStatus(podIp) })
  const answeredAt = monotonicMs()
  const successes = await connected
  const connectedAt = successes.map(({ atMs }) => atMs)
  const silent = successes.reduce((sum, one) => sum + one.silent, 0)
  await client.of(Pod).delete({ namespace, name }, { gracePeriodSeconds: 0 })
  await untilSlice(client, name, (slice) => !hasReadyEndpoint(slice))
  const durableAt = await readCommit(commitsFile, `${resourcePrefix(Pod)}${namespace}/${name}`, askedAt)
  return { askedAt, durableAt, answeredAt, connectedAt, silent }
}

/** By asking again and again: nobody is to watch. */
async function untilSlice(client: Client, service: string, test: (slice: EndpointSlice) => boolean): Promise<void> {
  const labelSelector = `${serviceNameLabel}=${service}`
  await until(async () => (await client.of(EndpointSlice).list({ namespace, labelSelector })).items.some(test))
}

async function until(test: () => Promise<boolean>): Promise<void> {
  for (const begun = monotonicMs(); !(await test()); await delay(pollMs)) {
    if (monotonicMs() - begun > patienceMs) throw new Error('Cannot measure: what is waited for does not come')
  }
}

async function timeWriteHeard(name: string, client: Client, informers: Informers): Promise<number> {
  const heard = untilSeen(informers, ConfigMap, ({ metadata }) => metadata.name === name)
  const begun = monotonicMs()
  await client.of(ConfigMap).create({ metadata: { name, namespace } })
  return (await heard) - begun
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
const isOf = ({ metadata }: EndpointSlice, service: string): boolean => metadata.labels?.[serviceNameLabel] === service
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
async function startServer(client: Client): Promise<string> {
  await createPod(client, serverName)
  const get = () => client.of(Pod).get({ namespace, name: serverName })
  await until(async () => isReady(await get()))
  return (await get()).status?.podIP ?? ''
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

async function startConnector(holderPid: number, runDir: string): Promise<Connector> {
  const [enter = '', ...args] = enterHolderCommand({ pid: holderPid, privileged: process.getuid?.() === 0 })
  const helper = [process.execPath, `${import.meta.dirname}/try-connecting.ts`, runDir]
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
