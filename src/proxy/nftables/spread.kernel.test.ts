/** How connections come to endpoints, in numbers; and that a node port is no socket. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exchangeTcp } from '../suite/open-exchange.ts'
import { httpPort, nodes, vip } from '../suite/packet-case.ts'
import { openChangingService } from './open-changing-service.ts'

const connections = 3_000
const endpoints = ['a1', 'b1', 'c1'] as const

test('every endpoint gets its share of connections', async (context) => {
  await using changing = await openChangingService({}, endpoints)
  const counts = new Map<string, number>()
  for (let done = 0; done < connections; done += 10) {
    const asked = Array.from({ length: 10 }, () => exchangeTcp(changing.network.openSocket('a2', 'TCP'), `${vip}:80`))
    for (const answer of await Promise.all(asked)) {
      const name = answer.split(':')[0]!
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  context.diagnostic([...counts].map(([name, count]) => `${name}: ${count}`).join(', '))
  // Six standard deviations of a fair choice: chance alone goes beyond that once in a hundred million runs.
  const tolerance = 6 * Math.sqrt((connections * (endpoints.length - 1)) / endpoints.length ** 2)
  assert.deepEqual([...counts.keys()].toSorted(), [...endpoints])
  for (const [name, count] of counts) {
    assert.ok(Math.abs(count - connections / endpoints.length) < tolerance, `${name}: ${count}`)
  }
})

test('a node port needs no socket', async () => {
  const nodePort = 30_080
  await using changing = await openChangingService({ type: 'NodePort', ports: [httpPort({ nodePort })] }, ['a1'])
  const { network } = changing
  const dial = () => exchangeTcp(network.openSocket('host', 'TCP'), `${nodes['node-1'].internalIp}:${nodePort}`)
  assert.match(await dial(), /^a1:8080/)
  const sockets = network.within('node-1', () => readFileSync('/proc/thread-self/net/tcp', 'utf8'))
  const portsOf = [...sockets.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4})/gm)].map(([, hex]) => parseInt(hex!, 16))
  assert.ok(portsOf.includes(9090), "the node's own server is seen")
  assert.ok(!portsOf.includes(nodePort), 'nothing is at the node port')
})
