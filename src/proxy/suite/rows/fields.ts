/** Fields of a Service that do not reach the proxy: others act upon them. `spec.healthCheckNodePort` is a row of health. */
import { row, testsOf, type RowGroup } from '../row.ts'

const balancer = testsOf('src/bin/loadbalancer.kernel.test.ts')
const names = testsOf('src/dns/plan-response.test.ts')

export const fields: RowGroup = {
  title: 'Fields of others',
  rows: [
    row(
      'spec.selector',
      'Chooses the pods that become endpoints.',
      testsOf('test/cluster/service-controllers.test.ts')('endpoints of a Service > follow the selector'),
    ),
    row('spec.externalName', 'Is a name in the DNS.', names('A outside.default.svc.cluster.local')),
    row(
      'spec.loadBalancerIP',
      'Asks for an address of a load balancer.',
      testsOf('src/loadbalancer/address-book.test.ts')('who gets which address'),
    ),
    row(
      'spec.publishNotReadyAddresses',
      'Makes endpoints of pods that are not ready.',
      testsOf('test/cluster/service-endpoints.test.ts')(
        'slices of a Service > show pods that are not ready as ready, where the Service says so',
      ),
    ),
    row(
      'spec.allocateLoadBalancerNodePorts',
      'Does without node ports; the load balancer works all the same.',
      balancer('UDP, without node ports: the node shows that it routes the address'),
    ),
    row('spec.loadBalancerClass', 'Leaves a Service to another load balancer.', balancer('other types and classes')),
    row(
      'spec.trafficDistribution',
      'Writes hints into slices.',
      testsOf('test/cluster/service-endpoints.test.ts')(
        'zones and nodes of endpoints > PreferSameZone',
        'zones and nodes of endpoints > PreferSameNode',
      ),
    ),
  ],
}
