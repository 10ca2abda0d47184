/** The one-machine cluster: starts every component in one process, over an in-process client. */
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { openImageStore } from '#agent/images/open-image-store.ts'
import { createPodStreams } from '#agent/streams/serve-pod-streams.ts'
import { type NodeAgent, startNodeAgent } from '#agent/start-node-agent.ts'
import { findKind } from '#api/registry.ts'
import { adminUser, ensurePki, type Pki } from '#apiserver/pki/open-pki.ts'
import { createAuthenticator } from '#apiserver/auth/authenticate.ts'
import { createAuthorizer } from '#apiserver/auth/authorize.ts'
import { reviews } from '#apiserver/auth/answer-review.ts'
import { standardPolicy } from '#apiserver/auth/policy.ts'
import { createServiceAccountTokens, type ServiceAccountTokens } from '#apiserver/auth/service-account-tokens.ts'
import { applyBootstrap } from '#apiserver/bootstrap/apply-bootstrap.ts'
import { type ApiServer, createApiHandler } from '#apiserver/create-api-handler.ts'
import { renderKubeconfig } from '#apiserver/pki/render-kubeconfig.ts'
import { serveHttps } from '#apiserver/serve-https.ts'
import { readClusterRecord } from '#cli/open-cluster-records.ts'
import { indexClaimName } from '#cli/open-free-ports.ts'
import type { ClusterRecord } from '#cli/cluster-record.ts'
import { contextName } from '#cli/kubeconfig-entry.ts'
import { type ClusterPaths, type Home, selectClusterPaths } from '#cli/select-cluster-paths.ts'
import type { Client } from '#client/contract.ts'
import { createClient } from '#client/create-client.ts'
import { createInformers, type Informers } from '#client/create-informers.ts'
import { inProcessTransport } from '#client/in-process-transport.ts'
import { recordEvents } from '#client/record-events.ts'
import { startControllers } from '#controllers/start-controllers.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { type KernelBroker, startNamespaceBroker } from '#kernel/start-namespace-broker.ts'
import { netlinkFrom, netlinkProtocol } from '#kernel/netlink/socket.ts'
import { isInitialUserNamespace } from '#kernel/user-namespace.ts'
import { type AddressPlan, apiServerPort, type NodeAddresses, planAddresses, planNode } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import type { Progress } from '#lib/progress.ts'
import type { Log } from '#observe/log.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { ConntrackReconciler } from '#proxy/reconcile-conntrack.ts'
import { type Proxy, startProxy } from '#proxy/start-proxy.ts'
import { openSqliteStore } from '#store/sqlite/open-sqlite-store.ts'
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

interface Cluster {
  readonly record: ClusterRecord
  readonly paths: ClusterPaths
  readonly home: Home
  readonly plan: AddressPlan
  readonly nodes: readonly NodeAddresses[]
}

/** Resolves when nodes are ready, Services are routed and names resolve. */
export async function startControlPlane(options: ControlPlaneOptions, signal: AbortSignal): Promise<ControlPlane> {
  await using stack = new AsyncDisposableStack()
  const { log, tell } = options
  const cluster = readCluster(options.clusterDir)
  const { record, paths, plan, nodes } = cluster
  stack.use(await claimIndex(record))
  const broker = stack.use(await startNamespaceBroker({ runDir: paths.run }))
  const networks = buildNetworks(broker, cluster)
  networks.catch(() => {})
  const [store, pki] = await Promise.all([
    openSqliteStore({ path: paths.store, log: log.child({ component: 'store' }) }),
    ensurePki(paths.pki, { ips: [plan.apiServiceIp, plan.controlPlaneIp], nowMs: Date.now() }),
  ])
  stack.use(store)
  const authorize = createAuthorizer(standardPolicy)
  const tokens = createServiceAccountTokens({
    key: pki.serviceAccountKey,
    clock: systemClock,
    uidOf: (kind, namespace, name) => uidOf(api, kind, namespace, name),
  })
  const reviewDeps = { authorize, policy: standardPolicy, tokens }
  const api: ApiServer = stack.use(
    await createApiHandler({
      store,
      log: log.child({ component: 'apiserver' }),
      authorize,
      mintToken: tokens.mint,
      reviews: reviews.map((review) => ({
        ...review,
        answer: (object, asker) => review.answer(object, asker, reviewDeps),
      })),
    }),
  )
  await applyBootstrap(api.handle, plan, signal)
  const transport = stack.use(inProcessTransport(api.handle, adminUser))
  const client = createClient({ transport, userAgent: 'frontdesk' })
  const informers = stack.use(createInformers(client, signal, { log }))
  stack.use(startControllers({ client, informers, clock: systemClock, log, rootCa: pki.caCertificate }, signal))
  await networks
  const agents = await startAgents({ cluster, client, informers, broker, options }, signal)
  for (const agent of agents) stack.use(agent)
  await serve({ api, pki, tokens, authorize, agents, broker, cluster, log }, stack, signal)
  writeKubeconfigs(cluster, pki)
  tell({ type: 'step', step: 'control', detail: `API on https://127.0.0.1:${record.apiPort}` })
  const edge = superviseEdge({ paths, config: edgeConfig(cluster), env: options.env, log }, signal)
  const proxies = await startProxies({ cluster, informers, broker, log }, stack, signal)
  await Promise.all([...agents.map((agent) => agent.synced), ...proxies.map((proxy) => proxy.synced)])
  tell({ type: 'step', step: 'nodes', detail: nodes.map((node) => nodeName(record, node)).join(' ') })
  await edge
  tell({
    type: 'step',
    step: 'services',
    detail: `${record.proxyMode}, addresses ${plan.serviceCidr}, DNS ${plan.dnsServiceIp}`,
  })
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  const started = stack.move()
  return { stopped, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

function readCluster(clusterDir: string): Cluster {
  const clusters = path.dirname(clusterDir)
  const dir = path.dirname(clusters)
  const home = { dir, clusters, images: path.join(dir, 'images') }
  const name = path.basename(clusterDir)
  const record = readClusterRecord(home, name)
  if (!record) throw new Error(`Cannot start: there is no record of cluster ${name}`)
  const plan = planAddresses(record.index)
  const nodes = Array.from({ length: record.nodes }, (_, index) => planNode(plan, index + 1))
  return { record, home, plan, nodes, paths: selectClusterPaths(home, name) }
}

/** Tokens of what is gone are refused: this says what is there. */
function uidOf(api: ApiServer, kindName: string, namespace: string, name: string): string | undefined {
  const kind = findKind('v1', kindName)
  return kind && api.objects.get(kind, kind.namespaced ? namespace : undefined, name)?.metadata.uid
}

function nodeName({ name }: ClusterRecord, { number }: NodeAddresses): string {
  return `${name}-${number}`
}

/** While we run, no other cluster of this machine, whoever's it is, gets our address ranges. */
async function claimIndex({ name, index }: ClusterRecord): Promise<AsyncDisposable> {
  const server = net.createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new Error(`Cannot start cluster ${name}: its address ranges (index ${index}) are in use by another cluster`, {
          cause,
        }),
      )
    })
    server.listen(indexClaimName(index), resolve)
  })
  server.unref()
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

async function buildNetworks(broker: KernelBroker, { plan, nodes }: Cluster): Promise<void> {
  await broker.ensureUnderlay(plan)
  await Promise.all(nodes.map((node) => broker.ensureNodeNetwork(plan, node, nodes)))
  if (isPrivileged()) await broker.ensureHostAccess(plan, nodes)
}

/** Root of the machine, not of a user namespace: only then may the host's own network be given a link. */
function isPrivileged(): boolean {
  return process.getuid?.() === 0 && isInitialUserNamespace()
}

interface ServeParts {
  readonly api: ApiServer
  readonly pki: Pki
  readonly tokens: ServiceAccountTokens
  readonly authorize: ReturnType<typeof createAuthorizer>
  readonly agents: readonly NodeAgent[]
  readonly broker: KernelBroker
  readonly cluster: Cluster
  readonly log: Log
}

/** On the host's loopback for the user, and in the underlay for pods. */
async function serve(parts: ServeParts, stack: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const { api, pki, tokens, authorize, agents, broker, cluster } = parts
  const { record, paths, plan } = cluster
  const underlay = await broker.openTcpListener(clusterPaths(paths.run).underlay, plan.controlPlaneIp, apiServerPort)
  const server = await serveHttps(
    {
      handle: api.handle,
      authenticate: createAuthenticator({ verifyToken: (token) => tokens.verify(token)?.user }),
      authorize,
      pki,
      listeners: [{ host: '127.0.0.1', port: record.apiPort }, { fd: underlay }],
      podStreams: createPodStreams(agents),
      log: parts.log.child({ component: 'apiserver' }),
    },
    signal,
  )
  stack.use(server)
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

function edgeConfig({ record, paths }: Cluster) {
  return {
    kubeconfig: edgeKubeconfig(paths),
    runDir: paths.run,
    clusterIndex: record.index,
    privileged: isPrivileged(),
  }
}

interface AgentParts {
  readonly cluster: Cluster
  readonly client: Client
  readonly informers: Informers
  readonly broker: KernelBroker
  readonly options: ControlPlaneOptions
}

function startAgents(parts: AgentParts, signal: AbortSignal): Promise<NodeAgent[]> {
  const { cluster, client, informers, broker, options } = parts
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
    env: options.env,
  }
  const start = (addresses: NodeAddresses): Promise<NodeAgent> => {
    const name = nodeName(record, addresses)
    const events = recordEvents({ client, component: 'kubelet', host: name, log }, signal)
    return startNodeAgent({ ...common, nodeName: name, addresses, events }, signal)
  }
  return Promise.all(nodes.map(start))
}

function readVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

interface ProxyParts {
  readonly cluster: Cluster
  readonly informers: Informers
  readonly broker: KernelBroker
  readonly log: Log
}

async function startProxies(
  { cluster, informers, broker, log }: ProxyParts,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
) {
  const { record, paths, plan, nodes } = cluster
  const proxies: Proxy[] = []
  for (const node of nodes) {
    const netns = clusterPaths(paths.run).node(node.number)
    const name = nodeName(record, node)
    const nodeLog = log.child({ component: 'proxy', node: name })
    const traffic = {
      family: 'IPv4',
      podCidr: node.podCidr,
      serviceCidrs: [plan.serviceCidr],
      masqueradeAll: false,
    } as const
    const backend = stack.use(
      openNftablesBackend({
        netlinkFd: await broker.openNetlink(netns, netlinkProtocol.netfilter),
        node: traffic,
        log: nodeLog,
      }),
    )
    const conntrack = new ConntrackReconciler(
      stack.use(netlinkFrom(await broker.openNetlink(netns, netlinkProtocol.netfilter))),
      [plan.serviceCidr],
    )
    proxies.push(
      stack.use(startProxy({ informers, nodeName: name, family: 'IPv4', backend, conntrack, log: nodeLog }, signal)),
    )
  }
  return proxies
}
