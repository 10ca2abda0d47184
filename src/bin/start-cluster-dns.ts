/** Cluster DNS of the edge process: its sockets, what it reads, and the loopback address where it tells about itself. */
import { namesAnnotation } from '#api/committed-routes.ts'
import { Pod } from '#api/pod.ts'
import { parseServer } from '#cli/parse-dns-settings.ts'
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { startInformer } from '#client/start-informer.ts'
import { openCommittedPublisher } from '#client/publish-committed.ts'
import { runTrace } from '#dns/run-trace.ts'
import { selectZoneFields } from '#dns/select-zone-fields.ts'
import { type Dns, startDns } from '#dns/start-dns.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { type AddressPlan, clusterDomain, dnsStatusPort, planAddresses } from '#lib/address-plan.ts'
import type { Log } from '#observe/log.ts'
import { serveHealth } from '#observe/serve-health.ts'
import { ownDnsSockets } from './dns-sockets.ts'
import type { EdgeConfig } from './edge-config.ts'

export interface ClusterDnsDeps {
  readonly config: EdgeConfig
  readonly client: Client
  readonly informers: Informers
  readonly broker: NamespaceBroker
  readonly log: Log
}

/** Beside the nodes' Leases: pods wait until no name leads to them. */
const leaseName = 'frontdesk-dns'

/** Resolves soon; `served`: when queries are read. */
export async function startClusterDns(
  deps: ClusterDnsDeps,
  signal: AbortSignal,
): Promise<AsyncDisposable & Pick<Dns, 'served'>> {
  const { config, client, informers, log } = deps
  const plan = planAddresses(config.clusterIndex, config.ipFamilies)
  const resolvConf = config.resolvConf ?? '/etc/resolv.conf'
  await using stack = new AsyncDisposableStack()
  const pods = stack.use(startInformer(client, Pod, { log, transform: selectZoneFields.Pod as never }, signal))
  const dns = stack.use(
    startDns(
      {
        informers,
        pods,
        ...ownDnsSockets(config.udpSockets),
        settings: {
          resolvConf,
          stubDomains: stubDomainsOf(config),
          ownAddresses: [plan.controlPlaneIp, plan.dnsServiceIp],
          clusterDomain,
          ownRanges: [plan, ...(plan.ipv6 ? [plan.ipv6] : [])].flatMap(({ serviceCidr, podCidr }) => [
            serviceCidr,
            podCidr,
          ]),
          endsSearches: config.dns?.endSearches ?? true,
        },
        publish: openCommittedPublisher({ client, leaseName, isOwn: true, annotation: namesAnnotation, log }, signal),
        log,
      },
      signal,
    ),
  )
  await serveStatus({ ...deps, plan, dns }, stack, signal)
  const started = stack.move()
  return { served: dns.served, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

function stubDomainsOf({ dns }: EdgeConfig) {
  // every name is below the empty domain
  const entries = Object.entries({ ...dns?.stubDomains, ...(dns?.upstreams && { '': dns.upstreams }) })
  return Object.fromEntries(entries.map(([domain, servers]) => [domain, servers.map(serverOf)]))
}

function serverOf(text: string) {
  const server = parseServer(text)
  if (!server)
    throw new Error(`Cannot use ${JSON.stringify(text)} as a DNS server: not an address with or without port`)
  return server
}

interface StatusDeps extends ClusterDnsDeps {
  readonly plan: AddressPlan
  readonly dns: Dns
}

/** Names resolve without it, so a port that is taken is only reported. */
async function serveStatus(deps: StatusDeps, stack: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { plan, dns, broker, config, log } = deps
  const place = { host: plan.hostLoopbackIp, port: dnsStatusPort }
  const expose = async () => ({
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: await dns.renderMetrics(),
  })
  const trace = async ({ searchParams }: URL) => {
    const text = (key: string): string => searchParams.get(key) ?? ''
    const result = await runTrace(broker, {
      netns: clusterPaths(config.runDir).pod(text('uid').replace(/[^-\w]/g, '')),
      address: text('address'),
      server: text('server'),
      name: text('name'),
      searches: searchParams.getAll('search'),
      ndots: Number(text('ndots')),
    })
    return { status: 200, type: 'application/json', text: JSON.stringify(result) }
  }
  const { underlay } = clusterPaths(config.runDir)
  // for pods, as port `metrics` of Service kube-dns: only what they may see
  const fd = await broker.openTcpListener(underlay, plan.controlPlaneIp, dnsStatusPort)
  stack.use(await serveHealth({ place: { fd }, checks: {}, metrics: { expose } }, signal))
  try {
    stack.use(await serveHealth({ place, checks: {}, metrics: { expose }, routes: { '/trace': trace } }, signal))
    log.info(place, 'DNS tells about itself')
  } catch (error) {
    log.warn({ err: error, ...place }, 'Cannot tell about DNS: the port is taken')
  }
}
