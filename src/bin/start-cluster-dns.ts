/** Cluster DNS of the edge process: its sockets, what it reads, and the loopback address where it tells about itself. */
import { Pod } from '#api/pod.ts'
import { parseServer } from '#cli/parse-dns-settings.ts'
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { startInformer } from '#client/start-informer.ts'
import type { Engine } from '#dns/engine.ts'
import { openResolvConf, readSearches } from '#dns/open-resolv-conf.ts'
import { renderQueryMetrics } from '#dns/render-query-metrics.ts'
import { runTrace } from '#dns/run-trace.ts'
import { selectUpstreams } from '#dns/select-upstreams.ts'
import { startDns } from '#dns/start-dns.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { type AddressPlan, clusterDomain, dnsStatusPort, planAddresses } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { serveHealth } from '#observe/serve-health.ts'
import type { EdgeConfig } from './edge-config.ts'

export interface ClusterDnsDeps {
  readonly config: EdgeConfig
  readonly client: Client
  readonly informers: Informers
  readonly broker: NamespaceBroker
  readonly log: Log
}

const dnsPort = 53

/** Resolves when DNS has its sockets. */
export async function startClusterDns(deps: ClusterDnsDeps, signal: AbortSignal): Promise<AsyncDisposable> {
  const { config, client, informers, broker, log } = deps
  const plan = planAddresses(config.clusterIndex)
  const { underlay } = clusterPaths(config.runDir)
  const resolvConf = config.resolvConf ?? '/etc/resolv.conf'
  await using stack = new AsyncDisposableStack()
  const pods = stack.use(startInformer(client, Pod, { log, transform: keepAsker as never }, signal))
  const dns = stack.use(
    await startDns(
      {
        informers,
        pods,
        openUdp: () => broker.openSharedUdpSocket(underlay, plan.controlPlaneIp, dnsPort),
        tcpFd: await broker.openTcpListener(underlay, plan.controlPlaneIp, dnsPort),
        upstreams: selectUpstreams(stubDomainsOf(config), openResolvConf(resolvConf, systemClock)),
        ownAddresses: [plan.controlPlaneIp, plan.dnsServiceIp],
        clusterDomain,
        ownRanges: [plan.serviceCidr, plan.podCidr],
        endsSearches: config.dns?.endSearches ?? true,
        hostSearches: readSearches(resolvConf),
        clock: systemClock,
        log,
      },
      signal,
    ),
  )
  await serveStatus({ ...deps, plan, engine: dns.engine }, stack, signal)
  const started = stack.move()
  return { [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** Of a pod only what tells who asks and how it searches: there may be many. */
function keepAsker({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion } = metadata
  const { dnsPolicy, dnsConfig, hostNetwork } = spec
  const { phase, podIP, podIPs } = status ?? {}
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion },
    spec: { dnsPolicy, dnsConfig, hostNetwork },
    status: { phase, podIP, podIPs },
  } as Pod
}

function stubDomainsOf({ dns }: EdgeConfig) {
  const entries = Object.entries(dns?.stubDomains ?? {})
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
  readonly engine: Engine
}

/** Names resolve without it, so a port that is taken is only reported. */
async function serveStatus(deps: StatusDeps, stack: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { plan, engine, broker, config, log } = deps
  const { askers } = engine
  const place = { host: plan.hostLoopbackIp, port: dnsStatusPort }
  const expose = async () => ({
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: renderQueryMetrics(askers.list(), askers.nobody.counts),
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
  try {
    stack.use(await serveHealth({ ...place, checks: {}, metrics: { expose }, routes: { '/trace': trace } }, signal))
    log.info(place, 'DNS tells about itself')
  } catch (error) {
    log.warn({ err: error, ...place }, 'Cannot tell about DNS: the port is taken')
  }
}
