/** What becomes of a connection: the decision table row by row, and what stands beside it. */
import { decisions, decisionRow, protocols, type Decision } from '../decision-table.ts'
import { limit, row, testsOf, type Row, type RowGroup } from '../row.ts'

const spread = testsOf('src/proxy/nftables/spread.kernel.test.ts')

const resultText = ({ result }: Decision): string => {
  if (typeof result === 'string') return `${result[0]!.toUpperCase()}${result.slice(1)}.`
  return `To list ${result.list}; ${result.source === 'kept' ? 'the source is kept' : 'the node stands in as source'}.`
}

const rowsOf = (decision: Decision): Row[] => {
  const { fronts, policies, when, sources } = decision
  return fronts.flatMap((front) =>
    policies.flatMap((policy) =>
      sources.flatMap((source) =>
        protocols.map((protocol) => row(decisionRow({ front, policy, when, source, protocol }), resultText(decision))),
      ),
    ),
  )
}

export const decisionTable: RowGroup = { title: 'The decision table', rows: decisions.flatMap(rowsOf) }

export const connections: RowGroup = {
  title: 'Connections',
  rows: [
    row(
      'ClusterIP, Cluster, ready: pod',
      'A pod reaches every endpoint, on its node and on others, and they see its address.',
    ),
    row('ClusterIP, Cluster, ready: node', 'A node does, as itself.'),
    row('ClusterIP, Cluster, ready: outside, masqueraded', 'What is no pod of this node is masqueraded.'),
    row('ClusterIP, none: refused', 'Nobody serves: an error at once.'),
    row('ClusterIP, Local, L empty: dropped', 'Somebody serves, but not here: silence.'),
    row('ClusterIP, Local, L: local only', 'The internal policy keeps connections on their node.'),
    row('NodePort, Cluster, ready: pod', 'A node port answers pods'),
    row('NodePort, Cluster, ready: node', 'and nodes'),
    row('NodePort, Cluster, ready: outside', 'and everybody else, at every node.'),
    row(
      'NodePort, Cluster, ready: 127.0.0.1',
      'At 127.0.0.1 of a node, too, over TCP and UDP; not at ::1.',
      limit('At `::1` of a node no node port answers: the kernel routes nothing from there.'),
    ),
    row('NodePort, none: refused', 'Nobody serves: an error at once, also by policy Local.'),
    row(
      'NodePort, Local: pod of the node, short circuit',
      'A pod is inside: it reaches all endpoints by its own node.',
    ),
    row('NodePort, Local: node, masqueraded', 'So is the node itself.'),
    row(
      'NodePort, Local, L: outside, source kept',
      'Who comes from outside reaches endpoints of the node, as himself.',
    ),
    row('NodePort, Local, L empty: outside, dropped', 'Without such an endpoint: silence.'),
    row('NodePort: TCP and UDP on one number', 'One number in two protocols is two node ports.'),
    row(
      'node port without a socket',
      'Nothing listens on a node port: the kernel translates it.',
      spread('a node port needs no socket'),
    ),
    row('nodePortAddresses', 'Node ports answer at the chosen addresses alone.'),
    row('node: its own ports stay open', 'Rules do not stand before other ports of a node, as those of health checks.'),
    row(
      'policies: each for its own direction',
      'The internal policy does not concern external front ends, nor the other way round.',
    ),
    row('externalIP, Cluster', 'An external IP works from pods, nodes and outside, though no node has it.'),
    row('externalIP, Local', 'With policy Local as a node port.'),
    row('externalIP, none: refused', 'Nobody serves: an error at once.'),
    row('LB-VIP, Cluster', 'An address of a load balancer works from pods and outside without leaving the cluster.'),
    row('LB-VIP, Local', 'With policy Local as a node port.'),
    row('LB-VIP, none: refused', 'Nobody serves: an error at once.'),
    row(
      'LB-VIP, source ranges: dropped outside them',
      'Who is in no range gets silence, before anything else is decided.',
    ),
    row('LB-VIP, source ranges, none: dropped outside them, refused inside', 'Also where nobody serves.'),
    row('LB-VIP, source ranges: everybody', 'A range of all addresses restricts nobody.'),
    row(
      'LB-VIP, source ranges: an address of the node',
      'With an address of the node among them the VIP may be bound on the node.',
    ),
    row('LB-VIP, source ranges: no other front end', 'Node ports and external IPs know no ranges.'),
    row('undefined port of a used ClusterIP: refused', 'An error at once.'),
    row('ClusterIP without Service: dropped', 'An address of a Service range that nobody has is silent.'),
    row('hairpin', 'An endpoint reaches itself, and sees its node.'),
    row('masqueradeAll', 'Everything to a ClusterIP is masqueraded.'),
    row(
      'local detection off',
      'Pods are nobody special then: treated as what comes from outside, and not masqueraded.',
    ),
    row(
      'TCP: connections that are there live on',
      'Only the first packet is decided upon: connections outlive endpoints, policies, Services and proxies.',
    ),
    row(
      'spread evenly',
      'Each endpoint gets the same share of connections, by chance.',
      spread('every endpoint gets its share of connections'),
    ),
    row('affinity: sticks', 'A client stays with its endpoint.'),
    row('affinity: expires', 'Until it has stayed away for the time-out.'),
    row('affinity: each connection starts the time anew', 'The time-out counts from the last connection.'),
    row('affinity: endpoint gone', 'When its endpoint leaves the list it gets another, and stays there.'),
    row(
      'affinity: over ClusterIP and NodePort',
      'One endpoint for a client of one Service port, by whatever front end.',
    ),
    row('affinity: switched on and off', 'Affinity and its time-out may change at any time.'),
    row('affinity: within its list', 'Each of the lists C and L sticks by itself.'),
    row('several ports, named target ports', 'Each port leads to its own target.'),
    row('UDP', 'Everything holds for UDP'),
    row('SCTP', 'and SCTP.'),
  ],
}
