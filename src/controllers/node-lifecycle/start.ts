/** Starts the node lifecycle controller. */
import { Lease } from '#api/lease.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import type { WorkQueue } from '#client/contract.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { indexObjects } from '../object-index.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'
import { leaseNamespace, reconcileNodes } from './reconcile.ts'

export function startNodeLifecycleController(deps: ControllerDeps, signal: AbortSignal): Controller {
  const name = 'node-lifecycle'
  const nodes = openResource(deps, Node, signal)
  const leases = deps.informers.of(Lease)
  const pods = openResource(deps, Pod, signal)
  const podsByNode = indexObjects(pods.cache, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []))
  const reconcile = reconcileNodes({ ...deps, nodes, leases, pods, podsByNode, queue: () => queue })
  const caches = [nodes.cache, leases, pods.cache]
  const queue: WorkQueue = startQueue(deps, { name, reconcile, caches }, signal)

  nodes.cache.onChange(({ before, after }) => {
    const node = (after ?? before)!
    queue.add(node.metadata.name)
    if (before && after) return
    const [reason, verb] = after ? ['RegisteredNode', 'Registered'] : ['RemovingNode', 'Removing']
    const place = after ? 'in' : 'from'
    const nodeName = node.metadata.name
    deps.recordEvent(node, 'Normal', reason!, `Node ${nodeName} event: ${verb} Node ${nodeName} ${place} Controller`)
  })
  leases.onChange(({ after }) => {
    if (after?.metadata.namespace === leaseNamespace) queue.add(after.metadata.name)
  })
  pods.cache.onChange(({ before, after }) => {
    const nodeName = after?.spec.nodeName
    if (nodeName && nodeName !== before?.spec.nodeName && isTainted(nodes.cache.get({ name: nodeName }))) {
      queue.add(nodeName)
    }
  })
  return { name, idle: () => queue.idle() }
}

function isTainted(node: Node | undefined): boolean {
  return !!node?.spec.taints?.some(({ effect }) => effect === 'NoExecute')
}
