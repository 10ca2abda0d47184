/** A node agent that runs nothing: it registers nodes, and pods bound to them become ready at once, with an address. */
import { Lease } from '#api/lease.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import { isConflict, isNotFound } from '#api/status-error.ts'
import type { Client, WorkQueue } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { keyOf, parseKey } from '#client/informer-cache.ts'
import { startWorkers } from '#client/start-workers.ts'
import type { Clock } from '#lib/clock.ts'

export interface FakeKubelet {
  addNode(name: string, options?: FakeNodeOptions): Promise<Node>
  /** Renews the node's lease, as a living node does every ten seconds. */
  heartbeat(name: string): Promise<void>
  /** The node's agent is dead from now on: it reports nothing and ends no pod. */
  silence(name: string): void
  /** From now on pods of this image never become ready (until `heal`). */
  breakImage(image: string): void
  heal(image: string): void
  idle(): Promise<void>
}

export interface FakeNodeOptions {
  readonly labels?: Record<string, string>
  readonly taints?: NonNullable<Node['spec']['taints']>
  readonly allocatable?: Record<string, string>
}

export interface FakeKubeletDeps {
  readonly client: Client
  readonly informers: Informers
  readonly clock: Clock
}

export function runFakeKubelet({ client, informers, clock }: FakeKubeletDeps, signal: AbortSignal): FakeKubelet {
  const nodes = client.of(Node)
  const pods = client.of(Pod)
  const leases = client.of(Lease)
  const cache = informers.of(Pod)
  const own = new Set<string>()
  const broken = new Set<string>()
  let addresses = 0

  const reconcile = async (key: string) => {
    const pod = cache.get(parseKey(key))
    if (!pod?.spec.nodeName || !own.has(pod.spec.nodeName)) return
    try {
      if (pod.metadata.deletionTimestamp) await pods.delete(pod.metadata, { gracePeriodSeconds: 0 })
      else await report(pod)
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }
  const report = async (pod: Pod) => {
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return
    const ready = pod.spec.containers.every(({ image = '' }) => !broken.has(image)) ? 'True' : 'False'
    const before = pod.status?.conditions?.find(({ type }) => type === 'Ready')
    if (before?.status === ready) return
    const podIP = pod.status?.podIP ?? nextAddress()
    const lastTransitionTime = timestamp(clock)
    const conditions = ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: type === 'Initialized' ? 'True' : ready,
      lastTransitionTime,
    }))
    const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions }
    await pods.patchStatus(pod.metadata, 'strategic', { status })
  }
  const nextAddress = () => {
    addresses += 1
    return `10.244.${addresses >> 8}.${addresses & 255}`
  }

  const queue: WorkQueue = startWorkers({ name: 'fake-kubelet', reconcile, concurrency: 32 }, signal)
  cache.onChange(({ after }) => after?.spec.nodeName && queue.add(keyOf(after.metadata)))
  const requeue = () => {
    for (const pod of cache.list()) queue.add(keyOf(pod.metadata))
  }

  return {
    async addNode(name, { labels = {}, taints = [], allocatable = {} } = {}) {
      own.add(name)
      await nodes.create({
        metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
        spec: { taints },
      })
      const condition = { type: 'Ready', status: 'True', lastHeartbeatTime: timestamp(clock) } as const
      const capacity = { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }
      const status = { capacity, allocatable: capacity, conditions: [condition] }
      return nodes.patchStatus({ name }, 'merge', { status })
    },
    async heartbeat(name) {
      const namespace = 'kube-node-lease'
      const spec = { holderIdentity: name, renewTime: new Date(clock.nowMs()).toISOString().replace('Z', '000Z') }
      try {
        await leases.patch({ namespace, name }, 'merge', { spec })
      } catch (error) {
        if (!isNotFound(error)) throw error
        await leases.create({ metadata: { namespace, name }, spec: { ...spec, leaseDurationSeconds: 40 } })
      }
    },
    silence: (name) => void own.delete(name),
    breakImage(image) {
      broken.add(image)
      requeue()
    },
    heal(image) {
      broken.delete(image)
      requeue()
    },
    idle: () => queue.idle(),
  }
}

function timestamp(clock: Clock): string {
  return new Date(clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z')
}
