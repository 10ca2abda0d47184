/** What the table of cases has to cover, so that a gap shows instead of hiding. */
import { ServiceSpec } from '#api/service.ts'
import { decisionRows } from './decision-table.ts'
import type { PacketCase } from './packet-case.ts'

/** What is promised beside the decision table: traps, features, changes. */
const furtherRows = [
  'ClusterIP, Cluster, ready: pod',
  'ClusterIP, Cluster, ready: node',
  'ClusterIP, Cluster, ready: outside, masqueraded',
  'ClusterIP, none: refused',
  'ClusterIP, Local, L empty: dropped',
  'ClusterIP, Local, L: local only',
  'NodePort, Cluster, ready: pod',
  'NodePort, Cluster, ready: node',
  'NodePort, Cluster, ready: outside',
  'NodePort, Cluster, ready: 127.0.0.1',
  'NodePort, none: refused',
  'NodePort, Local: pod of the node, short circuit',
  'NodePort, Local: node, masqueraded',
  'NodePort, Local, L: outside, source kept',
  'NodePort, Local, L empty: outside, dropped',
  'externalIP, Cluster',
  'externalIP, Local',
  'externalIP, none: refused',
  'LB-VIP, Cluster',
  'LB-VIP, Local',
  'LB-VIP, none: refused',
  'LB-VIP, source ranges: dropped outside them',
  'LB-VIP, source ranges, none: dropped outside them, refused inside',
  'LB IP, mode Proxy: nothing',
  'undefined port of a used ClusterIP: refused',
  'ClusterIP without Service: dropped',
  'hairpin',
  'endpoints: not ready ones unused',
  'endpoints: draining only without ready ones',
  'endpoints: serving but not terminating never used',
  'endpoints: ready and terminating used',
  'endpoints: several slices, repeats',
  'endpoints: no port of that name',
  'endpoints: hostNetwork',
  'topology: node hints',
  'topology: zone hints',
  'topology: one endpoint without hint',
  'topology: hints for others only',
  'masqueradeAll',
  'local detection off',
  'nodePortAddresses',
  'affinity: sticks',
  'affinity: expires',
  'affinity: endpoint gone',
  'affinity: over ClusterIP and NodePort',
  'affinity: switched on and off',
  'several ports, named target ports',
  'TCP and UDP on one port number',
  'UDP',
  'UDP: flow of a removed endpoint',
  'UDP: flow without endpoints left',
  'UDP: flow of a deleted Service',
  'UDP: flow from before the first endpoint',
  'UDP: flow and policy Local',
  'UDP: target port changes',
  'UDP: flow and proxy restart',
  'SCTP',
  'label service-proxy-name',
  'label headless',
  'TCP: connections that are there live on',
  'topology: the zone of a node changes',
  'LB-VIP, source ranges: an address of the node',
  'ServiceCIDR: another range',
  'headless and ExternalName: nothing',
  'port renamed',
  'two Services, one externalIP and port',
  'endpoint replaced, added, removed',
] as const

/** All that the table of cases has to cover: the decision table row by row, and the rest. */
export const rows: readonly string[] = [...decisionRows, ...furtherRows]

/** Fields that do not reach the proxy: their effect is on allocation, endpoints or load balancers. */
const fieldsOfOthers = new Set([
  'selector',
  'externalName',
  'loadBalancerIP',
  'publishNotReadyAddresses',
  'allocateLoadBalancerNodePorts',
  'loadBalancerClass',
  'trafficDistribution',
  'healthCheckNodePort',
])

export interface Coverage {
  readonly uncoveredRows: readonly string[]
  readonly uncoveredFields: readonly string[]
  /** Tags that name no row: a typing mistake. */
  readonly unknownTags: readonly string[]
}

export function coverageOf(cases: readonly PacketCase[]): Coverage {
  const tags = new Set(cases.flatMap(({ covers }) => covers))
  const specs = cases.flatMap(({ steps }) => steps.flatMap(({ services }) => services.map(({ spec }) => spec)))
  const fields = new Set(specs.flatMap((spec) => Object.keys(spec)))
  return {
    uncoveredRows: rows.filter((row) => !tags.has(row)),
    uncoveredFields: Object.keys(ServiceSpec.fields).filter(
      (field) => !fields.has(field) && !fieldsOfOthers.has(field),
    ),
    unknownTags: [...tags].filter((tag) => !rows.includes(tag)),
  }
}
