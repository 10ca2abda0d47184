/** The one-machine cluster: starts every component in one process, over an in-process client. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import type { NodeAgent } from '#agent/start-node-agent.ts'
import { adminUser, ensurePki, type Pki } from '#apiserver/pki/open-pki.ts'
import { renderKubeconfig } from '#apiserver/pki/render-kubeconfig.ts'
import { contextName } from '#cli/kubeconfig-entry.ts'
import { readClusterRecord } from '#cli/open-cluster-records.ts'
import type { ClusterPaths } from '#cli/select-cluster-paths.ts'
import { createClient } from '#client/create-client.ts'
import { createInformers } from '#client/create-informers.ts'
import { inProcessTransport } from '#client/in-process-transport.ts'
import { startControllers } from '#controllers/start-controllers.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { type KernelBroker, startNamespaceBroker } from '#kernel/start-namespace-broker.ts'
import { preferShortSlices } from '#kernel/time-slice.ts'
import { isInitialUserNamespace } from '#kernel/user-namespace.ts'
import { apiServerPort, planFamilies, serviceCidrs } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import type { Progress } from '#lib/progress.ts'
import { deferMetrics } from '#observe/defer-metrics.ts'
import type { Log } from '#observe/log.ts'
import { openMetrics } from '#observe/metrics.ts'
import type { UpcomingSlices } from '#proxy/start-proxy.ts'
import { openSqliteStore } from '#store/sqlite/open-sqlite-store.ts'
import { claimIndex } from './claim-index.ts'
import { openDnsSockets, udpSocketCount } from './dns-sockets.ts'
import { type Cluster, nodeName, readCluster } from './read-cluster.ts'
import { startApi } from './start-api.ts'
import { startNodes } from './start-nodes.ts'
import { startClusterLoadBalancer } from './start-cluster-loadbalancer.ts'
import { superviseEdge } from './supervise-edge.ts'

export interface ControlPlaneOptions {
  readonly clusterDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly tell: (progress: Progress) => void
  readonly log: Log
}

export interface ControlPlane extends AsyncDisposable {
  /** Resolves when the signal has stopped it. */
  readonly stopped: Promise<void>
}

/** Resolves when nodes are ready, Services are routed and names resolve. */
export async function startControlPlane(options: ControlPlaneOptions, signal: AbortSignal): Promise<ControlPlane> {
  await using stack = new AsyncDisposableStack()
  const { log, tell } = options
  // The threads that are started now, the store's and that of the namespaces, are waited for, too.
  preferShortSlices({ inherited: true })
  const cluster = readCluster(options.clusterDir)
  const { record, paths, plan, nodes } = cluster
  stack.use(await claimIndex(record))
  // The edge and the API server come up side by side: all that the edge needs is made first.
  const [{ broker, listener, networks }, store, pki] = await Promise.all([
    openNetworks(cluster, stack),
    openSqliteStore({ path: paths.store, log: log.child({ component: 'store' }) }),
    ensurePki(paths.pki, { ips: [plan.apiServiceIp, plan.controlPlaneIp], nowMs: Date.now() }),
  ])
  preferShortSlices({ inherited: false })
  stack.use(store)
  writeKubeconfigs(cluster, pki)
  const openSockets = () => openDnsSockets(broker, paths.run, plan)
  const edge = superviseEdge({ paths, config: () => edgeConfig(cluster), openSockets, env: options.env, log }, signal)
  edge.catch(() => {})
  const agents: NodeAgent[] = []
  const metrics = deferMetrics(openMetrics)
  const api = await startApi({ cluster, store, pki, listener, agents, log, metrics }, stack, signal)
  const transport = stack.use(inProcessTransport(api.handle, adminUser))
  const client = createClient({ transport, userAgent: 'frontdesk' })
  const informers = stack.use(createInformers(client, signal, { log }))
  stack.use(
    startControllers(
      {
        client,
        informers,
        clock: systemClock,
        log,
        rootCa: pki.caCertificate,
        serviceCidrs: serviceCidrs(plan),
        metrics,
      },
      signal,
    ),
  )
  tell({ type: 'step', step: 'control', detail: `API on https://127.0.0.1:${record.apiPort}` })
  await networks
  const upcomingSlices: UpcomingSlices = (listener) => api.objects.onUpcoming(EndpointSlice, listener)
  const nodesOptions = { cluster, client, informers, broker, agents, env: options.env, upcomingSlices, log }
  await startNodes(nodesOptions, stack, signal)
  await startClusterLoadBalancer({ cluster, client, informers, broker, log }, stack, signal)
  tell({ type: 'step', step: 'nodes', detail: nodes.map((node) => nodeName(record, node)).join(' ') })
  await edge
  tell({
    type: 'step',
    step: 'services',
    detail: `${record.proxyMode}, addresses ${serviceCidrs(plan).join(' ')}, DNS ${plan.dnsServiceIp}`,
  })
  metrics.open().catch((error: unknown) => log.warn({ err: error }, 'Cannot keep metrics'))
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  const started = stack.move()
  return { stopped, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** Resolves when the underlay is there, with the API server's socket in it; `networks`: the nodes' too. */
async function openNetworks(
  { plan, nodes, paths }: Cluster,
  stack: AsyncDisposableStack,
): Promise<{ readonly broker: KernelBroker; readonly listener: number; readonly networks: Promise<void> }> {
  const broker = stack.use(await startNamespaceBroker({ runDir: paths.run }))
  await broker.ensureUnderlay(plan)
  const listener = await broker.openTcpListener(clusterPaths(paths.run).underlay, plan.controlPlaneIp, apiServerPort)
  const networks = Promise.all(nodes.map((node) => broker.ensureNodeNetwork(plan, node, nodes))).then(() =>
    isPrivileged() ? broker.ensureHostAccess(plan, nodes) : undefined,
  )
  networks.catch(() => {})
  return { broker, listener, networks }
}

/** Root of the machine, not of a user namespace: only then may the host's own network be given a link. */
function isPrivileged(): boolean {
  return process.getuid?.() === 0 && isInitialUserNamespace()
}

function writeKubeconfigs({ record, paths }: Cluster, pki: Pki): void {
  const server = `https://127.0.0.1:${record.apiPort}`
  const common = { name: contextName(record.name), server, caCertificate: pki.caCertificate }
  const write = (file: string, user: Pki['admin']): void => {
    writeFileSync(file, `${JSON.stringify(renderKubeconfig({ ...common, user }), null, 2)}\n`, { mode: 0o600 })
  }
  write(paths.kubeconfig, pki.admin)
  write(edgeKubeconfig(paths), pki.edge)
}

const edgeKubeconfig = (paths: ClusterPaths): string => path.join(paths.pki, 'edge.kubeconfig')

/** How names outside are found may have been changed since we started. */
function edgeConfig({ home, record, paths, plan }: Cluster) {
  const { dns } = readClusterRecord(home, record.name) ?? record
  return {
    kubeconfig: edgeKubeconfig(paths),
    runDir: paths.run,
    clusterIndex: record.index,
    ipFamilies: planFamilies(plan),
    ...(dns && { dns }),
    udpSockets: udpSocketCount(),
    privileged: isPrivileged(),
  }
}
