/** The Service proxies of all nodes of one machine: on each node one for each IP family of the cluster. */
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { openCommittedPublisher } from '#client/publish-committed.ts'
import { recordEvents } from '#client/record-events.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { netlinkFrom, netlinkProtocol } from '#kernel/netlink/socket.ts'
import type { KernelBroker } from '#kernel/start-namespace-broker.ts'
import { loadBalancerCidrs, type NodeAddresses, planFamilies } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { Log } from '#observe/log.ts'
import { openMetrics } from '#observe/metrics.ts'
import { joinCommitted } from '#proxy/join-committed.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { SharedRuleset } from '#proxy/nftables/shared-ruleset.ts'
import { ProxyHealth } from '#proxy/proxy-health.ts'
import { ProxyMetrics } from '#proxy/proxy-metrics.ts'
import { ConntrackReconciler } from '#proxy/reconcile-conntrack.ts'
import { ProxyServers } from '#proxy/serve-proxy-health.ts'
import { type Proxy, type ProxyObserver, type SyncResult, startProxy, type UpcomingSlices } from '#proxy/start-proxy.ts'
import { tellOfCheck } from '#proxy/tell-of-check.ts'
import { type Cluster, nodeName } from './read-cluster.ts'

export interface ProxiesOptions {
  readonly cluster: Cluster
  readonly client: Client
  readonly informers: Informers
  readonly broker: KernelBroker
  readonly upcomingSlices: UpcomingSlices
  readonly log: Log
}

/** The nodes' networks exist. */
export async function startProxies(
  options: ProxiesOptions,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Proxy[]> {
  const starting = options.cluster.nodes.map((node) => startNodeProxies({ ...options, node }, stack, signal))
  return (await Promise.all(starting)).flat()
}

interface NodeProxiesOptions extends ProxiesOptions {
  readonly node: NodeAddresses
}

interface FamilyParts {
  readonly family: IpFamily
  readonly nodeLog: Log
  readonly ruleset: SharedRuleset
  readonly publish: (version: number) => void
  /** Of the node, all families together. */
  readonly health: ProxyHealth
  readonly observers: ProxyObserver[]
}

async function startNodeProxies(
  options: NodeProxiesOptions,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Proxy[]> {
  const { cluster, client, node, log } = options
  const name = nodeName(cluster.record, node)
  const nodeLog = log.child({ component: 'proxy', node: name })
  const families = planFamilies(cluster.plan)
  const publish = joinCommitted(
    openCommittedPublisher({ client, leaseName: name, log: nodeLog }, signal),
    families.length,
  )
  const now = () => systemClock.nowMs()
  const others = families.slice(1).map((family) => new ProxyHealth(family, now))
  const health = new ProxyHealth(families[0]!, now, others)
  const ruleset = new SharedRuleset()
  const starting = families.map((family, index) => {
    const observers: ProxyObserver[] = [[health, ...others][index]!]
    return startFamilyProxy(
      options,
      { family, nodeLog, ruleset, publish: publish[index]!, health, observers },
      stack,
      signal,
    )
  })
  const started = await Promise.all(starting)
  void serveWhenSynced(started).catch((error: unknown) =>
    nodeLog.warn({ err: error }, 'Cannot serve the metrics of the Service proxy'),
  )
  return started.map(({ proxy }) => proxy)
}

interface StartedProxy {
  readonly family: IpFamily
  readonly proxy: Proxy
  readonly servers: ProxyServers
  readonly observers: ProxyObserver[]
}

async function startFamilyProxy(
  options: NodeProxiesOptions,
  { family, nodeLog, ruleset, publish, health, observers }: FamilyParts,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<StartedProxy> {
  const { cluster, client, informers, broker, node, upcomingSlices } = options
  const { record, paths, plan } = cluster
  const netns = clusterPaths(paths.run).node(node.number)
  const log = nodeLog.child({ family })
  const [own, ranges] = family === 'IPv4' ? [node, plan] : [node.ipv6!, plan.ipv6!]
  const serviceCidrs = [ranges.serviceCidr]
  const traffic = { family, podCidr: own.podCidr, serviceCidrs, masqueradeAll: false, nodeIps: [own.internalIp] }
  const [rulesFd, flowsFd] = await Promise.all([
    broker.openNetlink(netns, netlinkProtocol.netfilter),
    broker.openNetlink(netns, netlinkProtocol.netfilter),
  ])
  const backend = stack.use(openNftablesBackend({ netlinkFd: rulesFd, node: traffic, log, ruleset }))
  const poolRanges = loadBalancerCidrs(plan).filter((cidr) => cidr.includes(':') === (family === 'IPv6'))
  const conntrack = new ConntrackReconciler(stack.use(netlinkFrom(flowsFd)), [...serviceCidrs, ...poolRanges])
  const listen = (address: string, port: number) => broker.openTcpListener(netns, address, port)
  const anyAddress = family === 'IPv4' ? '0.0.0.0' : '::'
  const name = nodeName(record, node)
  const recordEvent = recordEvents({ client, component: 'kube-proxy', host: name, log }, signal)
  const onCheckFailure = tellOfCheck(recordEvent, informers.of(Service), name)
  const servers = stack.use(new ProxyServers({ listen, anyAddress, health, mode: 'nftables', log, onCheckFailure }))
  observers.push(servers)
  const common = { informers, nodeName: name, family, serviceCidrs, upcomingSlices }
  const proxy = stack.use(startProxy({ ...common, backend, conntrack, publish, observers, log }, signal))
  return { family, proxy, servers, observers }
}

/** Nobody waits for health and metrics: they are loaded once the rules are there. */
async function serveWhenSynced(started: readonly StartedProxy[]): Promise<void> {
  const remembered = started.map(({ observers }) => rememberLast(observers))
  await Promise.all(started.map(({ proxy }) => proxy.synced))
  const registry = await openMetrics()
  for (const [index, { family, servers }] of started.entries()) {
    const own = new ProxyMetrics(registry, family)
    remembered[index]!.replaceBy(index === 0 ? own : withoutChanges(own), own)
    await servers.open({ registry, own })
  }
}

function rememberLast(observers: ProxyObserver[]) {
  let last: SyncResult | undefined
  const remember = { synced: (result: SyncResult) => (last = result) }
  observers.push(remember)
  return {
    replaceBy: (observer: ProxyObserver, metrics: ProxyMetrics) => {
      observers.splice(observers.indexOf(remember), 1, observer)
      if (last) metrics.synced(last)
    },
  }
}

/** Every proxy of a node hears of every change: one of them counts it. */
const withoutChanges = (metrics: ProxyMetrics): ProxyObserver => ({
  queued: (_kind, triggerTime) => metrics.queued(undefined, triggerTime),
  collecting: () => metrics.collecting(),
  unchanged: () => metrics.unchanged(),
  synced: (result) => metrics.synced(result),
  failed: () => metrics.failed(),
  repaired: () => metrics.repaired(),
})
