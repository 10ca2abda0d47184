/** Which part of the cluster's computing power each zone has: what `topology-mode: Auto` hands endpoints out by. Pure. */
import { quantityValue } from '#api/check-quantity.ts'
import type { Node } from '#api/node.ts'

/** By zone, adding up to 1; undefined when some ready node does not say its zone or its cpu. */
export type ZoneShares = ReadonlyMap<string, number> | undefined

export const zoneLabel = 'topology.kubernetes.io/zone'
const excludingLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

export function zoneShares(nodes: readonly Node[]): ZoneShares {
  const cpuByZone = new Map<string, number>()
  let total = 0
  for (const node of nodes) {
    if (!counts(node)) continue
    const zone = node.metadata.labels?.[zoneLabel]
    const cpu = quantityValue(node.status?.allocatable?.['cpu'] ?? '0')
    if (!zone || cpu === 0) return undefined
    total += cpu
    cpuByZone.set(zone, (cpuByZone.get(zone) ?? 0) + cpu)
  }
  return total === 0 ? undefined : new Map([...cpuByZone].map(([zone, cpu]) => [zone, cpu / total]))
}

function counts({ metadata: { labels = {} }, status }: Node): boolean {
  const isReady = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')
  return isReady === true && !excludingLabels.some((label) => label in labels)
}

/** What of a node the shares depend on: while it is the same, so are they. */
export function shareFacts(node: Node): string {
  if (!counts(node)) return ''
  return `${node.metadata.labels?.[zoneLabel] ?? ''} ${node.status?.allocatable?.['cpu'] ?? ''}`
}
