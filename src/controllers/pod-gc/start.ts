/** Removes pods that nobody else will: on nodes that are gone, and unscheduled ones that are being deleted. */
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import { isNotFound } from '#api/status-error.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf, parseKey, refOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { isTerminal, isTerminating } from '../pod-state.ts'
import { rfc3339 } from '../rfc3339.ts'
import { startQueue } from '../start-queue.ts'

/** A node that has just gone may be registering again (its agent restarts): its pods are given this long. */
const quarantineMs = 40_000

export function startPodGarbageCollector(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'pod-gc'
  const { clock, client } = deps
  const pods = openResource(deps, Pod, signal)
  const nodes = deps.informers.of(Node)
  const missingSince = new Map<string, number>()

  const reconcile = async (key: string) => {
    const pod = pods.cache.get(parseKey(key))
    if (!pod) return
    const { nodeName } = pod.spec
    if (!nodeName) return isTerminating(pod) ? remove(pod) : undefined
    if (nodes.get({ name: nodeName })) return
    const since = missingSince.get(nodeName) ?? clock.nowMs()
    missingSince.set(nodeName, since)
    const waitMs = since + quarantineMs - clock.nowMs()
    if (waitMs > 0) return queue.addAfter(key, waitMs)
    try {
      await client.of(Node).get({ name: nodeName })
    } catch (error) {
      if (!isNotFound(error)) throw error
      await failAndRemove(pod)
    }
  }

  const failAndRemove = async (pod: Pod) => {
    if (!isTerminal(pod)) {
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByPodGC',
        message: 'PodGC: node no longer exists',
        lastTransitionTime: rfc3339(clock.nowMs()),
      }
      await pods.patchStatus(refOf(pod), 'strategic', { status: { phase: 'Failed', conditions: [condition] } })
    }
    await remove(pod)
  }
  const remove = async ({ metadata }: Pod) => {
    const preconditions = { ...(metadata.uid && { uid: metadata.uid }) }
    try {
      await client.of(Pod).delete(metadata, { gracePeriodSeconds: 0, preconditions })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches: [pods.cache, nodes] }, signal)
  pods.cache.onChange(({ after }) => {
    if (!after) return
    const { nodeName } = after.spec
    if (nodeName ? !nodes.get({ name: nodeName }) : isTerminating(after)) queue.add(keyOf(after))
  })
  nodes.onChange(({ before, after }) => {
    if (after) return void missingSince.delete(after.metadata.name)
    const nodeName = before!.metadata.name
    missingSince.set(nodeName, clock.nowMs())
    for (const pod of pods.cache.list()) if (pod.spec.nodeName === nodeName) queue.add(keyOf(pod))
  })
  return { name, idle: () => queue.idle() }
}
