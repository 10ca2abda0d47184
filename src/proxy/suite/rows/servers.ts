/** What a proxy tells about itself: health, health checks of Services, metrics. */
import { limit, row, testsOf, type RowGroup } from '../row.ts'

const health = testsOf('src/proxy/proxy-servers.test.ts')
const served = testsOf('src/proxy/serve-proxy-health.kernel.test.ts')
const metrics = testsOf('src/proxy/proxy-metrics.test.ts')
const allServed = 'healthz, livez, metrics, proxyMode and a health check node port'

export const servers: RowGroup = {
  title: 'Health',
  rows: [
    row(
      '/healthz: rules and node',
      '200 while rules are current and the node is not about to go, else 503.',
      health('a proxy is well while its changes get written in time, and its node wants traffic'),
      served('a proxy that is not well says so with 503'),
    ),
    row(
      '/livez: rules alone',
      'The same without the node, of which it says nothing.',
      health('a proxy is well while its changes get written in time, and its node wants traffic'),
      served('a proxy that is not well says so with 503'),
    ),
    row(
      'health: what is current',
      'No change has waited for longer than a minute; before the first change all is well.',
      health(
        'a proxy is well while its changes get written in time, and its node wants traffic',
        'a change that comes while others are written waits by itself',
        'a proxy that cannot write is not well, whatever it was asked',
      ),
    ),
    row(
      'health: members and headers',
      'JSON with times, health and the state of each family; its type is not to be guessed.',
      served('what health tells, member by member'),
    ),
    row('/proxyMode', 'Text: nftables.', served(allServed)),
    row('127.0.0.1:10249/healthz', 'Always ok.', served('what health tells, member by member')),
    row(
      'other pages for operators',
      'Settings, flags and profiles.',
      limit(
        "Of kube-proxy's metrics endpoints `/metrics/slis`, `/configz`, `/statusz`, `/flagz` and `/debug` are not served",
      ),
    ),
    row(
      'spec.healthCheckNodePort',
      'Load balancers with policy Local have one, other Services none.',
      health('health check node ports exist for load balancers with policy Local only'),
    ),
    row(
      'health check: what counts',
      'Distinct addresses of ready endpoints of this node over all ports; draining ones do not, though they may serve.',
      health(
        'health check node port: ready ones of this node',
        'health check node port: draining ones do not count',
        'health check node port: one in two slices counts once',
        'health checks follow Services and endpoints',
      ),
    ),
    row(
      'health check: of each family by itself',
      'Endpoints of the other family do not count.',
      health('health check node port: of its own family'),
    ),
    row(
      'health check: answer',
      '200 with endpoints here and rules that are current, else 503; the Service, the number, the weight as a header.',
      served(allServed, 'a proxy whose rules are not current says so at the health checks, too'),
    ),
    row(
      'health check: any path and method',
      'All are answered alike.',
      served('a health check moves to another port, and answers every path and method'),
    ),
    row(
      'health check: addresses',
      'Where node ports answer.',
      served('with node port addresses health checks are served there alone'),
    ),
    row(
      'health check: port taken',
      'An Event on the Service, and another try until the port is free.',
      served(
        'a health check whose port is taken: told once, tried again without a sync, served when it is free',
        'a health check that is no longer wanted is not tried again',
      ),
      testsOf('src/proxy/tell-of-check.test.ts')('a health check that cannot be served is told on its Service'),
    ),
  ],
}

export const metricRows: RowGroup = {
  title: 'Metrics',
  rows: [
    row(
      'metrics: names',
      'All that kube-proxy has in mode nftables, by family.',
      metrics("kube-proxy's names are all there"),
    ),
    row(
      'metrics: syncs',
      'How long they took, whole or in part, and when the last one was.',
      served(allServed),
      metrics('syncs are counted by kind, with the time of the last one'),
    ),
    row(
      'metrics: pending changes',
      'What has come in, and what of it is not written yet.',
      metrics('pending changes: those that came, until they are written; a failure leaves them'),
    ),
    row(
      'metrics: network programming',
      'From what an EndpointSlice was written for until it is in the kernel.',
      metrics('network programming: from the trigger time until it is written, not what happened before the start'),
      testsOf('src/proxy/start-proxy.test.ts')('when a slice was triggered is told once, not again with other changes'),
    ),
    row('metrics: failures', 'Syncs that failed.', metrics('syncs are counted by kind, with the time of the last one')),
    row(
      'metrics: policy Local without endpoints',
      'Service ports that drop what comes, because no endpoint is here.',
      metrics("kube-proxy's names are all there"),
      testsOf('src/proxy/desired-routes.test.ts')('Service ports with policy Local and no endpoint here are counted'),
    ),
    row('metrics: answers of health', 'By code.', served(allServed)),
    row(
      'metrics: flows',
      'How long it took to look at them, and how many were deleted.',
      metrics("kube-proxy's names are all there"),
    ),
    row(
      'metrics: of other parts',
      'The language, the client, the mode iptables, the forwarder for localhost.',
      limit(
        '`go_*`, `process_*`, `rest_client_*`, `kubernetes_*` and those of the mode iptables and of node ports at localhost are not exported',
      ),
    ),
  ],
}
