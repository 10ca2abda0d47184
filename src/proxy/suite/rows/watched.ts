/** Which objects a proxy looks at, and what of them. */
import { row, testsOf, type RowGroup } from '../row.ts'

const routes = testsOf('src/proxy/desired-routes.test.ts')
const proxy = testsOf('src/proxy/start-proxy.test.ts')

export const watched: RowGroup = {
  title: 'What is looked at',
  rows: [
    row('label service-proxy-name', 'A Service with this label, whatever its value, is left to another proxy.'),
    row(
      'label service-proxy-name: comes and goes',
      'The label takes a Service away and gives it back as if it were made.',
    ),
    row('label headless', 'A Service with this label has no routes.'),
    row('slice: label service-proxy-name', 'An EndpointSlice with this label counts for nothing.'),
    row('slice: label headless', 'Nor does one that is marked as of a headless Service.'),
    row('headless and ExternalName: nothing', 'Services without an address of their own have no routes.'),
    row(
      'family: ClusterIP',
      'A Service without a ClusterIP of the family of a proxy does not exist for it; of two it takes its own.',
      routes('a proxy takes what is of its family, and passes over the rest'),
    ),
    row(
      'family: external IPs, load balancer addresses, source ranges',
      'What is of the other family is passed over.',
      routes('a proxy takes what is of its family, and passes over the rest', 'source ranges: other family ignored'),
    ),
    row(
      'slice: other address type',
      'Slices of the other family, and of names, are passed over.',
      routes('a proxy takes what is of its family, and passes over the rest'),
    ),
    row('endpoints: port 0', 'A slice port without a number, or with 0, leads nowhere.'),
    row('endpoints: first address alone', 'Further addresses of an endpoint count for nothing.'),
    row('LB-VIP: without ipMode', 'An announced address without a mode is a VIP.'),
    row('LB IP, mode Proxy: nothing', 'Traffic to an address of mode Proxy goes to the load balancer.'),
    row('LB host name: nothing', 'A load balancer that is announced by name alone adds no front end.'),
    row(
      'nothing before all is known',
      'No rule is written before Services, EndpointSlices and the Node have come in.',
      proxy('nothing is written before Services, EndpointSlices and Nodes are known'),
    ),
    row(
      'ServiceCIDR: another range',
      'ServiceCIDR objects say which addresses stand for Services.',
      proxy('ServiceCIDR objects: their ranges of the family, beside the configured ones, reach the back end'),
    ),
    row(
      'topology: the zone of a node changes',
      'Another zone label on the node is another choice for every Service, without a change of any.',
      routes('another zone of the node changes every Service'),
    ),
  ],
}
