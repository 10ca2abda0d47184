/** A proxy that stops and starts again under load: nobody notices, whatever changed meanwhile. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import type { Informers } from '#client/create-informers.ts'
import { silentLog } from '#observe/log.ts'
import { HeldInformers } from '../../../test/fixtures/held-informers.ts'
import { startProxy } from '../start-proxy.ts'
import { exchangeTcp, TcpClient } from '../suite/open-exchange.ts'
import { openTestNetwork, type TestNetwork } from '../suite/open-test-network.ts'
import { keptPort, otherVip, service, slice, vip, type PodName } from '../suite/packet-case.ts'
import { openNode1 } from './open-changing-service.ts'

const restarts = 25
const keptConnections = 5
const sets: readonly (readonly PodName[])[] = [['a1', 'b1', 'c1'], ['b1'], ['b2', 'c1'], ['a2', 'a1', 'b2', 'b1']]
const keptSlice = slice({
  service: 'kept',
  endpoints: ['b1', 'c1'],
  ports: [{ name: 'http', port: keptPort, protocol: 'TCP' }],
})

function informersWith(endpoints: readonly PodName[]): HeldInformers {
  const informers = new HeldInformers()
  informers.of(Service).put(service(), service({ name: 'kept', clusterIP: otherVip }))
  informers.of(EndpointSlice).put(slice({ endpoints }), keptSlice)
  informers.of(Node)
  informers.sync()
  return informers
}

async function runProxy(network: TestNetwork, endpoints: readonly PodName[], use: () => Promise<void>): Promise<void> {
  using backend = openNode1(network)
  const stop = new AbortController()
  const informers = informersWith(endpoints) as unknown as Informers
  const common = { informers, nodeName: 'node-1', family: 'IPv4', backend, log: silentLog } as const
  await using proxy = startProxy(common, stop.signal)
  await proxy.synced
  await use()
}

/** New connections, ten at a time, as long as it is told to. */
function startLoad(network: TestNetwork) {
  const outcomes = new Map<string, number>()
  let isOver = false
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const answer = await exchangeTcp(network.openSocket('a1', 'TCP'), `${vip}:80`)
      const kind = answer.includes(':8080') ? 'answered' : answer
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
    }
  }
  const running = Promise.all(Array.from({ length: 10 }, ask))
  return {
    answered: () => outcomes.get('answered') ?? 0,
    end: async () => {
      isOver = true
      await running
      return outcomes
    },
  }
}

test('a proxy that starts again loses no connection, new or kept', async (context) => {
  await using network = await openTestNetwork()
  const clients: TcpClient[] = []
  const partners: string[] = []
  let load: ReturnType<typeof startLoad> | undefined
  for (let count = 0; count < restarts; count++) {
    const endpoints = sets[count % sets.length]!
    await runProxy(network, endpoints, async () => {
      load ??= startLoad(network)
      while (clients.length < keptConnections) {
        const client = new TcpClient(network.openSocket('a1', 'TCP'), `${otherVip}:80`)
        clients.push(client)
        partners.push(await client.exchange())
      }
      assert.deepEqual(await askEach(clients), partners)
      const answer = await exchangeTcp(network.openSocket('a1', 'TCP'), `${vip}:80`)
      assert.ok(
        endpoints.some((name) => answer.startsWith(`${name}:`)),
        `${answer} is one of ${endpoints.join()}`,
      )
    })
    // While there is no proxy.
    const before = load!.answered()
    while (load!.answered() < before + 20) await turn()
    assert.deepEqual(await askEach(clients), partners)
  }
  const outcomes = await load!.end()
  for (const client of clients) client.close()
  context.diagnostic(`${outcomes.get('answered')} new connections, ${restarts} restarts`)
  assert.deepEqual([...outcomes.keys()], ['answered'])
})

const askEach = (clients: readonly TcpClient[]): Promise<string[]> =>
  Promise.all(clients.map((client) => client.exchange()))
