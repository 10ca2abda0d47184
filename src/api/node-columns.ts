import { ageColumn, joined, nameColumn, textColumn, wide } from './columns.ts'
import type { Column } from './kind.ts'
import type { Node } from './node.ts'

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn(),
  textColumn('Status', statusCell, { description: 'Whether the node takes pods.' }),
  textColumn('Roles', (node) => joined(rolesOf(node))),
  ageColumn(),
  textColumn('Version', (node) => node.status?.nodeInfo?.kubeletVersion ?? ''),
  textColumn('Internal-IP', (node) => addressOf(node, 'InternalIP'), wide),
  textColumn('External-IP', (node) => addressOf(node, 'ExternalIP'), wide),
  textColumn('OS-Image', (node) => node.status?.nodeInfo?.osImage || '<unknown>', wide),
  textColumn('Kernel-Version', (node) => node.status?.nodeInfo?.kernelVersion || '<unknown>', wide),
  textColumn('Container-Runtime', (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>', wide),
]

function statusCell(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return node.spec.unschedulable ? `${text},SchedulingDisabled` : text
}

function rolesOf({ metadata: { labels = {} } }: Node): string[] {
  const prefix = 'node-role.kubernetes.io/'
  const roles = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return key.length > prefix.length ? [key.slice(prefix.length)] : []
    return key === 'kubernetes.io/role' && value !== '' ? [value] : []
  })
  return [...new Set(roles)].sort()
}

function addressOf(node: Node, type: 'InternalIP' | 'ExternalIP'): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? '<none>'
}
