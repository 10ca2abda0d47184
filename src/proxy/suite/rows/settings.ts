/** Settings, and node ports of the loopback address, which kube-proxy serves by a process. */
import { limit, row, type RowGroup } from '../row.ts'

const config =
  "kube-proxy's configuration (`KubeProxyConfiguration` and its flags) is not read: node ports answer at every address of a node"

export const settings: RowGroup = {
  title: 'Settings',
  rows: [
    row(
      '127.0.0.1: policy and affinity',
      'At 127.0.0.1 a node port keeps affinity, and the policies count as for the node itself.',
    ),
    row('127.0.0.1: ::1', 'The same over IPv6.', limit('At `::1` of a node no node port answers')),
    row('configuration: mode, bit, intervals', 'A choice of mode and of how often to write.', limit(config)),
    row('configuration: detectLocalMode', 'How pods of the node are told from others.', limit(config)),
    row('configuration: nodePortAddresses', 'The default of node port addresses.', limit(config)),
    row('configuration: conntrack', 'Other sizes and time-outs.', limit(config)),
    row('configuration: bind addresses', 'Other ports for health and metrics.', limit(config)),
    row(
      'configuration: the process',
      'Feature gates, logging, how often to list again, priority for memory.',
      limit(config),
    ),
    row('configuration: a changed file', 'A restart when the file changes.', limit(config)),
    row('role of a proxy', 'RBAC: what a proxy may do.', limit('RBAC objects do not exist')),
    row(
      'a proxy alone',
      'Run beside another control plane, with its own flags.',
      limit('The parts do not run alone against another cluster yet'),
    ),
  ],
}
