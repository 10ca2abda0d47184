/** What is easily got wrong: combinations that deserve cases of their own. */
import { row, testsOf, type RowGroup } from '../row.ts'

export const traps: RowGroup = {
  title: 'Traps',
  rows: [
    row(
      'trap: short circuit',
      'Policy Local and no endpoint here: a pod of the node gets through by the load balancer address, outside gets silence.',
    ),
    row(
      'trap: only draining ones here',
      'Policy Local: traffic goes on, and the health check says 503.',
      testsOf('src/proxy/proxy-servers.test.ts')('health check node port: draining ones do not count'),
    ),
    row('trap: internal policy Local behind a load balancer', 'The ClusterIP drops, the load balancer address works.'),
    row('port renamed', 'A port by another name is another one: one goes, one comes, in one change.'),
    row('two Services, one externalIP and port', 'One of them answers, and hands over when it goes; nothing fails.'),
    row('TCP and UDP on one port number', 'Removing one leaves the other.'),
  ],
}
