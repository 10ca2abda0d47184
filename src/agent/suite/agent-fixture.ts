/** Node agents against an API server of their own that keeps its objects on disk, for scenarios. */
import path from 'node:path'
import { Namespace } from '#api/namespace.ts'
import { Pod } from '#api/pod.ts'
import type { KubeObject } from '#api/meta.ts'
import { isAlreadyExists } from '#api/status-error.ts'
import { createApiHandler } from '#apiserver/create-api-handler.ts'
import type { Client, Draft } from '#client/contract.ts'
import { createClient } from '#client/create-client.ts'
import { createInformers, type Informers } from '#client/create-informers.ts'
import { inProcessTransport } from '#client/in-process-transport.ts'
import { recordEvents } from '#client/record-events.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { hasIpv6 } from '#kernel/probe-ipv6.ts'
import { startNamespaceBroker, type KernelBroker } from '#kernel/start-namespace-broker.ts'
import { planAddresses, planNode } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import { openLog } from '#observe/log.ts'
import { openSqliteStore } from '#store/sqlite/open-sqlite-store.ts'
import type { ImageStore } from '../images/contract.ts'
import { startNodeAgent, type NodeAgent } from '../start-node-agent.ts'
import { createPodStreams } from '../streams/serve-pod-streams.ts'

export const hostImage = 'localhost/host'

export interface AgentFixture extends AsyncDisposable {
  readonly client: Client
  readonly broker: KernelBroker
  readonly paths: ReturnType<typeof clusterPaths>
  readonly agents: readonly NodeAgent[]
  readonly streams: ReturnType<typeof createPodStreams>
  readonly signal: AbortSignal
  /** Binds it to `node-1` unless the spec names another node. */
  create(name: string, spec: Partial<Pod['spec']>, metadata?: Partial<Pod['metadata']>): Promise<Pod>
  /** Resolves with the first version of the pod that fulfils `condition`, the current one included. */
  until(name: string, condition: (pod: Pod) => boolean): Promise<Pod>
  /** Deletes the pod and waits until it has gone. */
  remove(name: string, gracePeriodSeconds?: number): Promise<void>
}

const noImages: ImageStore = {
  find: () => Promise.resolve(undefined),
  pull: () => Promise.reject(new Error('there is no registry')),
}
const patienceMs = 20_000

/** `disturb`: what the agents get in place of the broker. */
export async function openAgents(
  base: string,
  disturb: (broker: KernelBroker) => KernelBroker = (broker) => broker,
): Promise<AgentFixture> {
  const stop = new AbortController()
  const runDir = path.join(base, 'run')
  const log = openLog('agent', 2, 'warn')
  const broker = disturb(await startNamespaceBroker({ runDir }))
  const plan = planAddresses(29, hasIpv6() ? ['IPv4', 'IPv6'] : ['IPv4'])
  const nodes = [planNode(plan, 1), planNode(plan, 2)]
  await broker.ensureUnderlay(plan)
  for (const node of nodes) await broker.ensureNodeNetwork(plan, node, nodes)
  const store = await openSqliteStore({ path: path.join(base, 'state.sqlite'), log })
  const api = await createApiHandler({ store, log, authorize: () => ({ allowed: true }), admission: () => [] })
  const transport = inProcessTransport(api.handle, { name: 'admin', groups: ['system:masters'] })
  const client = createClient({ transport, userAgent: 'scenario' })
  const informers = createInformers(client, stop.signal, { log })
  for (const name of ['default', 'kube-node-lease'])
    await ensure(client.of(Namespace).create({ metadata: { name } } as Draft<Namespace>))
  const agents = await Promise.all(
    nodes.map((addresses) => {
      const nodeName = `node-${addresses.number}`
      const events = recordEvents({ client, component: 'kubelet', host: nodeName, log }, stop.signal)
      const dirs = { pods: path.join(base, 'pods'), run: runDir }
      const common = { client, informers, plan, broker, images: noImages, clock: systemClock, log, env: process.env }
      return startNodeAgent({ ...common, nodeName, addresses, dirs, events, version: '0.0.0' }, stop.signal)
    }),
  )
  await Promise.all(agents.map((agent) => agent.synced))
  const until = (name: string, condition: (pod: Pod) => boolean) => untilPod(informers, name, condition)
  return {
    client,
    broker,
    paths: clusterPaths(runDir),
    agents,
    streams: createPodStreams(agents),
    signal: stop.signal,
    create: (name, spec, metadata = {}) =>
      client.of(Pod).create({
        metadata: { ...metadata, name, namespace: 'default' },
        spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 1, containers: [], ...spec },
      }),
    until,
    remove: async (name, gracePeriodSeconds) => {
      const gone = untilGone(informers, name)
      await client
        .of(Pod)
        .delete({ namespace: 'default', name }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds })
      await gone
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('the scenario has ended'))
      await informers[Symbol.asyncDispose]()
      await transport[Symbol.asyncDispose]?.()
      await api[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    },
  }
}

async function ensure(creation: Promise<KubeObject>): Promise<void> {
  try {
    await creation
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

function untilPod(informers: Informers, name: string, condition: (pod: Pod) => boolean): Promise<Pod> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const pod = informers.of(Pod).get({ namespace: 'default', name })
      reject(new Error(`Cannot see pod ${name} come to the wanted state: ${JSON.stringify(pod?.status, null, 1)}`))
    }, patienceMs)
    informers.of(Pod).onChange(({ after }) => {
      if (after?.metadata.name !== name || !condition(after)) return
      clearTimeout(timer)
      resolve(after)
    })
  })
}

function untilGone(informers: Informers, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Cannot see pod ${name} go`)), patienceMs)
    informers.of(Pod).onChange(({ before, after }) => {
      if (after || before?.metadata.name !== name) return
      clearTimeout(timer)
      resolve()
    })
  })
}

export function isReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
}

export async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += Buffer.from(chunk).toString()
  return text
}
