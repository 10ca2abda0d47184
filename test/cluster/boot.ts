/** A whole control plane in this process: memory store, API server, controllers, and a node agent that fakes its pods. */
import { setImmediate as turn } from 'node:timers/promises'
import { applyBootstrap } from '#apiserver/bootstrap/apply-bootstrap.ts'
import { createApiHandler } from '#apiserver/create-api-handler.ts'
import type { Client } from '#client/contract.ts'
import { createClient } from '#client/create-client.ts'
import { createInformers } from '#client/create-informers.ts'
import type { Informers } from '#client/create-informers.ts'
import { inProcessTransport } from '#client/in-process-transport.ts'
import { startControllers } from '#controllers/start-controllers.ts'
import { planAddresses } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import type { Clock } from '#lib/clock.ts'
import { silentLog } from '#observe/log.ts'
import type { Log } from '#observe/log.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import { runFakeKubelet } from './run-fake-kubelet.ts'
import type { FakeKubelet, FakeNodeOptions } from './run-fake-kubelet.ts'

export interface TestCluster extends AsyncDisposable {
  /** Asks as an administrator. */
  readonly client: Client
  readonly informers: Informers
  readonly kubelet: FakeKubelet
  /**
   * Resolves when nothing happens any more: all queues idle, caches caught up, no write in flight. Delayed work (back-off,
   * deadlines) does not count.
   */
  settle(): Promise<void>
}

export interface BootOptions {
  /** Names of ready nodes. Default: node-1, node-2, node-3. */
  readonly nodes?: Readonly<Record<string, FakeNodeOptions>>
  readonly clock?: Clock
  readonly log?: Log
  /** Default: the one IPv4 range of the address plan. */
  readonly serviceCidrs?: readonly string[]
}

const admin = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }
/** Turns of the event loop without any write that count as rest. */
const quietTurns = 5

export async function bootCluster(options: BootOptions = {}): Promise<TestCluster> {
  const { nodes = { 'node-1': {}, 'node-2': {}, 'node-3': {} }, clock = systemClock, log = silentLog } = options
  const stop = new AbortController()
  const store = openMemoryStore()
  const server = await createApiHandler({ store, log, clock, authorize: () => ({ allowed: true }) })
  const transport = inProcessTransport(server.handle, admin)
  const client = createClient({ transport, userAgent: 'test' })
  const plan = planAddresses(0)
  await applyBootstrap(server.handle, plan, stop.signal)
  const informers = createInformers(client, stop.signal, { log })
  const kubelet = runFakeKubelet({ client, informers, clock }, stop.signal)
  const controllers = startControllers(
    { client, informers, clock, log, rootCa: 'test CA', serviceCidrs: options.serviceCidrs ?? [plan.serviceCidr] },
    stop.signal,
  )
  await informers.synced
  for (const [name, node] of Object.entries(nodes)) await kubelet.addNode(name, node)

  const settle = async () => {
    let revision = -1
    for (let quiet = 0; quiet < quietTurns; quiet++) {
      await Promise.all([controllers.idle(), kubelet.idle()])
      await turn()
      const current = await store.currentRevision()
      if (current !== revision) quiet = 0
      revision = current
    }
  }
  await settle()
  return {
    client,
    informers,
    kubelet,
    settle,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await controllers[Symbol.asyncDispose]()
      await informers[Symbol.asyncDispose]()
      await transport[Symbol.asyncDispose]?.()
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
