/** What itself serves traffic, together in one process: cluster DNS and the host's way in. */
import { Service } from '#api/service.ts'
import { createClient } from '#client/create-client.ts'
import { createInformers } from '#client/create-informers.ts'
import { httpsTransport } from '#client/https-transport.ts'
import { readKubeconfig } from '#client/read-kubeconfig.ts'
import { probeLowPorts } from '#host-access/probe-low-ports.ts'
import { startHostAccess } from '#host-access/start-host-access.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { startNamespaceBroker } from '#kernel/start-namespace-broker.ts'
import type { Log } from '#observe/log.ts'
import type { EdgeConfig } from './edge-config.ts'
import { startClusterDns } from './start-cluster-dns.ts'

/**
 * Names are not answered, and host listeners are missing, until `synced`. The broker is asked first: it settles libuv's
 * thread pool in this thread's network namespace.
 */
export async function startEdge(
  config: EdgeConfig,
  log: Log,
  signal: AbortSignal,
): Promise<AsyncDisposable & { readonly synced: Promise<void> }> {
  await using stack = new AsyncDisposableStack()
  const { underlay } = clusterPaths(config.runDir)
  const starting = startNamespaceBroker({ runDir: config.runDir }).then((broker) => stack.use(broker))
  starting.catch(() => {})
  const transport = stack.use(httpsTransport(await readKubeconfig({ paths: [config.kubeconfig] })))
  const client = createClient({ transport, userAgent: 'frontdesk-edge' })
  const informers = stack.use(createInformers(client, signal, { log }))
  // The first connection is made while the broker's thread starts.
  informers.of(Service)
  const broker = await starting
  const dns = stack.use(
    await startClusterDns({ config, client, informers, broker, log: log.child({ part: 'dns' }) }, signal),
  )
  const privileged = config.privileged ?? (await probeLowPorts())
  const hostAccess = { informers, broker, underlay, privileged, client, log: log.child({ part: 'host-access' }) }
  stack.use(startHostAccess(hostAccess, signal))
  const synced = Promise.all([informers.synced, dns.served]).then(() => {})
  // whoever stops before has no use for it
  synced.catch(() => {})
  const started = stack.move()
  return { synced, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
