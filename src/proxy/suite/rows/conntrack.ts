/** Connection tracking: settings of a node, and flows of UDP that have to go. */
import { limit, row, testsOf, type RowGroup } from '../row.ts'

const flows = testsOf('src/proxy/select-stale-flows.test.ts')
const settings = testsOf('src/proxy/suite/node-settings.kernel.test.ts')

export const conntrack: RowGroup = {
  title: 'Connection tracking',
  rows: [
    row(
      'conntrack: time-outs of TCP',
      'Established connections are remembered for a day, half-closed ones for an hour.',
      settings('idle connections stay for a day, those that one side has closed for an hour'),
    ),
    row(
      'conntrack: what is left alone',
      'Time-outs of UDP and the strictness about TCP stay as the kernel has them.',
      settings('time-outs of UDP, and what TCP may do, are as the kernel has them'),
    ),
    row(
      'conntrack: size of the table',
      'So many entries for each processor.',
      limit("`nf_conntrack_max` is the host's."),
    ),
    row(
      'UDP: flow of a removed endpoint',
      'Flows to an endpoint that no longer serves are deleted, by whatever front end they came.',
      flows(
        'UDP flow to an endpoint that is gone: stale',
        'UDP flow by an external IP: stale',
        'UDP flow by a load balancer IP: stale',
        'UDP flow by a node port: stale',
      ),
    ),
    row(
      'UDP: flow of a serving endpoint',
      'Flows to one that serves go on.',
      flows('UDP flow to a serving endpoint: kept'),
    ),
    row('UDP: flow and policy Local', 'Whatever policies say by now.'),
    row(
      'UDP: flow and terminating',
      'And also while it terminates.',
      flows('UDP flows to look for after an endpoint that terminates, but serves'),
    ),
    row('UDP: flow without endpoints left', 'The last endpoint goes: its clients are refused.'),
    row(
      'UDP: flow of a deleted Service',
      'A deleted Service leaves no flow.',
      flows('UDP flow to an address of a deleted Service: stale'),
    ),
    row(
      'UDP: flow from before the first endpoint',
      'A flow that was never translated goes when somebody serves, although its client keeps its port.',
      flows('UDP flow never translated: stale'),
    ),
    row('UDP: target port changes', 'An endpoint that answers at another port is another one.'),
    row('UDP: flow and proxy restart', 'A proxy that was away makes up for it.'),
    row(
      'UDP: node port by number',
      'For node ports the number counts, at whatever address.',
      flows('UDP flow by a node port: stale', 'UDP flow by a node port, serving: kept'),
    ),
    row('UDP: flows of others', 'Flows of no Service are left alone.', flows('UDP flow of no Service: kept')),
    row(
      'UDP: only when it may matter',
      'Flows are looked at after changes that may concern them, of their own family.',
      flows('UDP flows to look for after an endpoint more', 'UDP flows to look for after an endpoint less'),
    ),
    row(
      'conntrack: a listing that fails',
      'Is made again, with everything.',
      testsOf('src/proxy/start-proxy.test.ts')('flows that cannot be looked at are looked at again, all of them'),
    ),
  ],
}
