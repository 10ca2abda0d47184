/** Watches over one node: is it alive, may pods be placed on it, must pods leave it. */
import type { Lease } from '#api/lease.ts'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { isConflict, isNotFound } from '#api/status-error.ts'
import type { Lister, Reconcile, WorkQueue } from '#client/contract.ts'
import type { ControllerDeps } from '../contract.ts'
import { refOf } from '../object-key.ts'
import type { ObjectIndex } from '../object-index.ts'
import type { OwnedResource } from '../owned-resource.ts'
import { isReady, isTerminating } from '../pod-state.ts'
import { rfc3339 } from '../rfc3339.ts'
import { desiredConditions, desiredTaints, gracePeriodMs } from './desired-node.ts'
import { evictionTimeMs } from './plan-eviction.ts'

export interface NodeLifecycleSources extends Pick<ControllerDeps, 'recordEvent' | 'clock'> {
  readonly nodes: OwnedResource<Node>
  readonly leases: Lister<Lease>
  readonly pods: OwnedResource<Pod>
  readonly podsByNode: ObjectIndex<Pod>
  readonly queue: () => Pick<WorkQueue, 'addAfter'>
}

interface Sign {
  readonly text: string
  readonly seenMs: number
}

export const leaseNamespace = 'kube-node-lease'

export function reconcileNodes(sources: NodeLifecycleSources): Reconcile {
  const signs = new Map<string, Sign>()
  return async (key) => {
    const node = sources.nodes.cache.get({ name: key })
    if (!node) {
      signs.delete(key)
      return
    }
    const nowMs = sources.clock.nowMs()
    const sign = latestSign(sources, node, signs.get(key), nowMs)
    signs.set(key, sign)
    const judged = await writeConditions(sources, node, nowMs - sign.seenMs)
    const tainted = await writeTaints(sources, judged)
    await Promise.all([markPods(sources, tainted), evictPods(sources, tainted)])
    if (!isLost(tainted)) sources.queue().addAfter(key, Math.max(0, sign.seenMs + gracePeriodMs - nowMs) + 100)
  }
}

/** By our own clock: what counts is when we saw the lease or the status change, not what time it says. */
function latestSign({ leases }: NodeLifecycleSources, node: Node, before: Sign | undefined, nowMs: number): Sign {
  const lease = leases.get({ namespace: leaseNamespace, name: node.metadata.name })
  const heartbeats = node.status?.conditions?.map(({ type, lastHeartbeatTime }) => `${type} ${lastHeartbeatTime}`)
  const text = JSON.stringify([lease?.spec.renewTime, heartbeats])
  return before?.text === text ? before : { text, seenMs: nowMs }
}

function readyStatus(node: Node): string | undefined {
  return node.status?.conditions?.find(({ type }) => type === 'Ready')?.status
}

function isLost(node: Node): boolean {
  return readyStatus(node) === 'Unknown'
}

async function writeConditions(sources: NodeLifecycleSources, node: Node, silentMs: number): Promise<Node> {
  const before = node.status?.conditions ?? []
  const conditions = desiredConditions(node, silentMs, sources.clock.nowMs())
  if (conditions === before || conditions === node.status?.conditions) return node
  const written = await sources.nodes.patchStatus(refOf(node), 'strategic', { status: { conditions } })
  const message = `Node ${node.metadata.name} status is now: NodeNotReady`
  if (readyStatus(node) === 'True') sources.recordEvent(node, 'Normal', 'NodeNotReady', message)
  return written
}

async function writeTaints(sources: NodeLifecycleSources, node: Node): Promise<Node> {
  const taints = desiredTaints(node, sources.clock.nowMs())
  if (taints === node.spec.taints || (taints.length === 0 && !node.spec.taints)) return node
  // Lists without merge keys are replaced whole, so the resourceVersion must guard what others have put there.
  const { resourceVersion } = node.metadata
  return sources.nodes.patch(refOf(node), 'merge', { metadata: { resourceVersion }, spec: { taints } })
}

/** Pods on a node that is not ready are not ready either, whatever its agent said last. */
async function markPods(sources: NodeLifecycleSources, node: Node): Promise<void> {
  const status = readyStatus(node)
  if (status === undefined || status === 'True') return
  const ready = sources.podsByNode.get(node.metadata.name).filter((pod) => isReady(pod))
  const lastTransitionTime = rfc3339(sources.clock.nowMs())
  const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime }]
  await Promise.all(
    ready.map(async (pod) => {
      await ignoreGone(sources.pods.patchStatus(refOf(pod), 'strategic', { status: { conditions } }))
      sources.recordEvent(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
    }),
  )
}

async function evictPods(sources: NodeLifecycleSources, node: Node): Promise<void> {
  const nowMs = sources.clock.nowMs()
  let nextMs = Number.POSITIVE_INFINITY
  const due: Pod[] = []
  for (const pod of sources.podsByNode.get(node.metadata.name)) {
    const timeMs = isTerminating(pod) ? undefined : evictionTimeMs(pod, node, nowMs)
    if (timeMs === undefined) continue
    if (timeMs <= nowMs) due.push(pod)
    else nextMs = Math.min(nextMs, timeMs)
  }
  await Promise.all(due.map((pod) => evict(sources, pod, nowMs)))
  if (Number.isFinite(nextMs)) sources.queue().addAfter(node.metadata.name, nextMs - nowMs)
}

async function evict({ pods, recordEvent }: NodeLifecycleSources, pod: Pod, nowMs: number): Promise<void> {
  const { namespace, name } = pod.metadata
  recordEvent(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: rfc3339(nowMs),
  }
  await ignoreGone(pods.patchStatus(refOf(pod), 'strategic', { status: { conditions: [condition] } }))
  await ignoreGone(pods.delete(pod))
}

async function ignoreGone(writing: Promise<unknown>): Promise<void> {
  try {
    await writing
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
