/** `frontdesk status`: nodes, addresses, data plane, limits in force, and frontdesk's own processes. */
import { Node } from '#api/node.ts'
import { residentBytes } from '#kernel/process-identity.ts'
import { hasIpv6 } from '#kernel/probe-ipv6.ts'
import { type AddressPlan, planAddresses } from '#lib/address-plan.ts'
import type { ClusterRecord } from './cluster-record.ts'
import type { CliContext } from './context.ts'
import { contextName } from './kubeconfig-entry.ts'
import { listClusterNames, readClusterRecord, readRunningProcesses } from './open-cluster-records.ts'
import { openCluster } from './open-client.ts'
import { renderColumns } from './render-columns.ts'
import { type ClusterState, clusterState } from './run-ls.ts'
import { noSuchCluster, selectClusterName } from './select-cluster.ts'
import { selectClusterPaths, selectHome } from './select-cluster-paths.ts'

interface NodeStatus {
  readonly name: string
  readonly ready: boolean
  readonly internalIp: string
  readonly hostIp: string
  readonly podCidr: string
}

interface ClusterStatus {
  readonly apiVersion: 'frontdesk.dev/v1alpha1'
  readonly kind: 'ClusterStatus'
  readonly name: string
  readonly state: ClusterState
  readonly server: string
  readonly context: string
  readonly privileges: 'root' | 'rootless'
  readonly dataPlane: { readonly mode: string }
  readonly addresses: { readonly services: string; readonly pods: string; readonly nodes: string; readonly dns: string }
  /** Ranges of IPv6, or why there are none. */
  readonly ipv6:
    | { readonly enabled: true; readonly services: string; readonly pods: string; readonly nodes: string }
    | { readonly enabled: false; readonly reason: string }
  readonly limits: { readonly enforced: boolean; readonly reason: string }
  readonly nodes: readonly NodeStatus[]
  readonly processes: readonly { readonly role: string; readonly pid: number; readonly rssBytes: number }[]
}

export async function status(
  context: CliContext,
  named: string | undefined,
  options: { output?: string },
): Promise<void> {
  const facts = await readStatus(context, named)
  context.print(options.output === 'json' ? JSON.stringify(facts, null, 2) : renderStatus(facts))
}

async function readStatus(context: CliContext, named: string | undefined): Promise<ClusterStatus> {
  const home = selectHome(context.env, context.homeDir)
  const name = selectClusterName(named, listClusterNames(home))
  const record = readClusterRecord(home, name)
  if (!record) throw noSuchCluster(name)
  const plan = planAddresses(record.index, record.ipFamilies)
  const state = clusterState(home, name)
  return {
    apiVersion: 'frontdesk.dev/v1alpha1',
    kind: 'ClusterStatus',
    name,
    state,
    server: `https://127.0.0.1:${record.apiPort}`,
    context: contextName(name),
    privileges: context.uid === 0 ? 'root' : 'rootless',
    dataPlane: { mode: record.proxyMode },
    ipv6: describeIpv6(record, plan),
    addresses: { services: plan.serviceCidr, pods: plan.podCidr, nodes: plan.underlayCidr, dns: plan.dnsServiceIp },
    limits: {
      enforced: false,
      reason: 'resource limits of containers are recorded and scheduled by, not enforced by cgroups',
    },
    nodes: state === 'running' ? await readNodes(context, name) : [],
    processes: readRunningProcesses(selectClusterPaths(home, name)).map(({ role, pid }) => ({
      role,
      pid,
      rssBytes: residentBytes(pid),
    })),
  }
}

function describeIpv6({ ipFamilies }: ClusterRecord, { ipv6 }: AddressPlan): ClusterStatus['ipv6'] {
  if (!hasIpv6()) return { enabled: false, reason: 'this kernel has no IPv6' }
  if (ipv6) {
    const { serviceCidr: services, podCidr: pods, underlayCidr: nodes } = ipv6
    return { enabled: true, services, pods, nodes }
  }
  const reason = ipFamilies ? 'the cluster was made with ipFamilies [IPv4]' : 'the cluster is older than IPv6 here'
  return { enabled: false, reason: `${reason}; frontdesk down and up make it anew` }
}

async function readNodes(context: CliContext, name: string): Promise<NodeStatus[]> {
  await using cluster = await openCluster(context, name)
  const { items } = await cluster.client.of(Node).list()
  const addressOf = (node: Node, type: string): string =>
    (node.status?.addresses ?? []).find((address) => address.type === type)?.address ?? ''
  return items.map((node) => ({
    name: node.metadata.name,
    ready: (node.status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    internalIp: addressOf(node, 'InternalIP'),
    hostIp: addressOf(node, 'ExternalIP'),
    podCidr: node.spec?.podCIDR ?? '',
  }))
}

function renderStatus(facts: ClusterStatus): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`
  const head = [
    ['cluster', `${facts.name} (${facts.state}, ${facts.privileges})`],
    ['server', `${facts.server}   context ${facts.context}`],
    ['data plane', facts.dataPlane.mode],
    ['addresses', `services ${facts.addresses.services}   pods ${facts.addresses.pods}   dns ${facts.addresses.dns}`],
    [
      'ipv6',
      facts.ipv6.enabled ? `services ${facts.ipv6.services}   pods ${facts.ipv6.pods}` : `none: ${facts.ipv6.reason}`,
    ],
    ['limits', facts.limits.enforced ? 'enforced' : `not enforced: ${facts.limits.reason}`],
  ].map(([label, text]) => `${(label as string).padEnd(12)}${text}`)
  const nodes = renderColumns(
    ['NODE', 'STATUS', 'ADDRESS', 'FROM-HOST', 'PODS'],
    facts.nodes.map((node) => [
      node.name,
      node.ready ? 'Ready' : 'NotReady',
      node.internalIp,
      node.hostIp,
      node.podCidr,
    ]),
  )
  const processes = renderColumns(
    ['PROCESS', 'PID', 'MEMORY'],
    facts.processes.map(({ role, pid, rssBytes }) => [role, String(pid), megabytes(rssBytes)]),
  )
  return [...head, '', nodes, '', processes].join('\n')
}
