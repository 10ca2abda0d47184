/** The agents and Service proxies of all nodes of one machine. */
import { readFileSync } from 'node:fs'
import { openImageStore } from '#agent/images/open-image-store.ts'
import { type NodeAgent, startNodeAgent } from '#agent/start-node-agent.ts'
import type { Client } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { recordEvents } from '#client/record-events.ts'
import type { KernelBroker } from '#kernel/start-namespace-broker.ts'
import type { NodeAddresses } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { UpcomingSlices } from '#proxy/start-proxy.ts'
import { type Cluster, nodeName } from './read-cluster.ts'
import { startProxies } from './start-proxies.ts'

export interface NodesOptions {
  readonly cluster: Cluster
  readonly client: Client
  readonly informers: Informers
  readonly broker: KernelBroker
  readonly env: Readonly<Record<string, string | undefined>>
  readonly upcomingSlices: UpcomingSlices
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
