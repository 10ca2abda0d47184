/** The agents and Service proxies of all nodes of one machine. */
import { readFileSync } from 'node:fs'
import { openImageStore } from '#agent/images/open-image-store.ts'
import { type NodeAgent, startNodeAgent } from '#agent/start-node-agent.ts'
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { recordEvents } from '#client/record-events.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { netlinkFrom, netlinkProtocol } from '#kernel/netlink/socket.ts'
import type { KernelBroker } from '#kernel/start-namespace-broker.ts'
import { loadBalancerCidrs, type NodeAddresses } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { openMetrics } from '#observe/metrics.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { openCommittedPublisher } from '#proxy/publish-committed.ts'
import { ProxyHealth } from '#proxy/proxy-health.ts'
import { ProxyMetrics } from '#proxy/proxy-metrics.ts'
import { ConntrackReconciler } from '#proxy/reconcile-conntrack.ts'
import { ProxyServers } from '#proxy/serve-proxy-health.ts'
import { type Proxy, type ProxyObserver, type SyncResult, startProxy } from '#proxy/start-proxy.ts'
import { type Cluster, nodeName } from './read-cluster.ts'

export interface NodesOptions {
  readonly cluster: Cluster
  readonly client: Client
  readonly informers: Informers
  readonly broker: KernelBroker
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  /** Each agent is added as it starts. */
  readonly agents: NodeAgent[]
}

/** The nodes' networks exist. Resolves when pods are run and Services are routed on every node. */
export async function startNodes(
  options: NodesOptions,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<void> {
  const [proxies] = await Promise.all([startProxies(options, stack, signal), startAgents(options, stack, signal)])
  await Promise.all([...options.agents, ...proxies].map(({ synced }) => synced))
}

async function startAgents(options: NodesOptions, stack: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { cluster, client, informers, broker, env, agents } = options
  const { record, paths, home, plan, nodes } = cluster
  const log = options.log.child({ component: 'agent' })
  const images = openImageStore({ dir: home.images, registries: record.registries, log })
  const common = {
    client,
    informers,
    plan,
    dirs: { pods: paths.pods, run: paths.run },
    broker,
    images,
    clock: systemClock,
    log,
    version: readVersion(),
    env,
  }
  const start = async (addresses: NodeAddresses): Promise<void> => {
    const name = nodeName(record, addresses)
    const nodeLabels = record.nodeLabels?.[addresses.number - 1] ?? {}
    const events = recordEvents({ client, component: 'kubelet', host: name, log }, signal)
    agents.push(stack.use(await startNodeAgent({ ...common, nodeName: name, nodeLabels, addresses, events }, signal)))
  }
  await Promise.all(nodes.map(start))
}

function readVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function startProxies(
  { cluster, client, informers, broker, log }: NodesOptions,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Proxy[]> {
  const { record, paths, plan, nodes } = cluster
  const start = async (node: NodeAddresses): Promise<Proxy> => {
    const netns = clusterPaths(paths.run).node(node.number)
    const name = nodeName(record, node)
    const nodeLog = log.child({ component: 'proxy', node: name })
    const traffic = {
      family: 'IPv4',
      podCidr: node.podCidr,
      serviceCidrs: [plan.serviceCidr],
      masqueradeAll: false,
      nodeIps: [node.internalIp],
    } as const
    const [rulesFd, flowsFd] = await Promise.all([
      broker.openNetlink(netns, netlinkProtocol.netfilter),
      broker.openNetlink(netns, netlinkProtocol.netfilter),
    ])
    const backend = stack.use(openNftablesBackend({ netlinkFd: rulesFd, node: traffic, log: nodeLog }))
    const ranges = [plan.serviceCidr, ...loadBalancerCidrs(plan)]
    const conntrack = new ConntrackReconciler(stack.use(netlinkFrom(flowsFd)), ranges)
    const publish = openCommittedPublisher({ client, nodeName: name, log: nodeLog }, signal)
    const health = new ProxyHealth('IPv4', () => systemClock.nowMs())
    const listen = (address: string, port: number) => broker.openTcpListener(netns, address, port)
    const servers = stack.use(
      new ProxyServers({ listen, anyAddress: '0.0.0.0', health, mode: 'nftables', log: nodeLog }),
    )
    const observers: ProxyObserver[] = [health, servers]
    const common = { informers, nodeName: name, family: 'IPv4', serviceCidrs: [plan.serviceCidr] } as const
    const proxy = stack.use(startProxy({ ...common, backend, conntrack, publish, observers, log: nodeLog }, signal))
    void serveWhenSynced(proxy, servers, observers).catch((error: unknown) =>
      nodeLog.warn({ err: error }, 'Cannot serve the metrics of the Service proxy'),
    )
    return proxy
  }
  return Promise.all(nodes.map(start))
}

/** Nobody waits for health and metrics: they are loaded once the rules are there. */
async function serveWhenSynced(proxy: Proxy, servers: ProxyServers, observers: ProxyObserver[]): Promise<void> {
  let last: SyncResult | undefined
  const remember = { synced: (result: SyncResult) => (last = result) }
  observers.push(remember)
  await proxy.synced
  const registry = await openMetrics()
  const own = new ProxyMetrics(registry, 'IPv4')
  observers.splice(observers.indexOf(remember), 1, own)
  if (last) own.synced(last)
  await servers.open({ registry, own })
}
