/**
 * How Service proxies tell which EndpointSlices are in the kernel of their node, so that a pod is stopped only when no
 * node sends new connections to it. See docs/decisions/0010-pods-stop-after-their-routes.md.
 */
import type { EndpointSlice } from './endpoint-slice.ts'
import type { Lease } from './lease.ts'

/** Where every node has the Lease that its agent renews. */
export const nodeLeaseNamespace = 'kube-node-lease'

/** On a node's Lease: all EndpointSlices up to this resourceVersion are in the node's kernel. */
export const committedAnnotation = 'frontdesk.dev/routes-committed'

/** On the Lease of cluster DNS: names of headless Services follow all EndpointSlices up to this resourceVersion. */
export const namesAnnotation = 'frontdesk.dev/names-committed'

/** On a pod, `"false"`: its containers are stopped at once, wherever routes still lead. */
export const awaitRoutesAnnotation = 'frontdesk.dev/await-routes'

export type CommittedAnnotation = typeof committedAnnotation | typeof namesAnnotation

/** Absent: nobody speaks for this node's routes, or for names. */
export function committedVersion(
  { metadata }: Lease,
  annotation: CommittedAnnotation = committedAnnotation,
): number | undefined {
  const text = metadata.annotations?.[annotation]
  return text === undefined ? undefined : Number(text)
}

/** A node that is gone does not renew its Lease, and sends nobody anywhere. */
export function isLeaseAlive({ spec }: Lease, nowMs: number): boolean {
  const { renewTime, leaseDurationSeconds = 0 } = spec
  return renewTime !== undefined && Date.parse(renewTime) + leaseDurationSeconds * 1000 > nowMs
}

export const sliceVersion = ({ metadata }: EndpointSlice): number => Number(metadata.resourceVersion ?? 0)

export interface ListedPod {
  readonly terminating: boolean
  readonly nodeName: string | undefined
}

/** The pods of a slice by uid. */
export function listedPods(slice: EndpointSlice | undefined): Map<string, ListedPod> {
  const pods = new Map<string, ListedPod>()
  for (const { targetRef, conditions, nodeName } of slice?.endpoints ?? []) {
    if (targetRef?.uid !== undefined)
      pods.set(targetRef.uid, { terminating: conditions?.terminating === true, nodeName })
  }
  return pods
}

/**
 * Whether somebody may wait for this change: pods are terminating, or one is gone without having been. Not only when it
 * begins: who has missed that, because its watch broke, goes by the version in which it sees the pod terminate first.
 */
export function withdrawsPods(before: EndpointSlice | undefined, after: EndpointSlice | undefined): boolean {
  if (before?.endpoints === after?.endpoints) return false
  const [past, now] = [listedPods(before), listedPods(after)]
  for (const { terminating } of now.values()) if (terminating) return true
  for (const [uid, { terminating }] of past) if (!terminating && !now.has(uid)) return true
  return false
}
