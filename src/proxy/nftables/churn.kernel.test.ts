/** New connections must not fail while endpoints are being replaced: every one that is ever routed is alive. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '#observe/log.ts'
import { RouteTracker } from '../desired-routes.ts'
import { exchangeTcp } from '../suite/open-exchange.ts'
import { openTestNetwork } from '../suite/open-test-network.ts'
import { nodes, plan, service, slice, vip, type PodName } from '../suite/packet-case.ts'
import { openNftablesBackend } from './apply-nftables.ts'

const sets: readonly (readonly PodName[])[] = [
  ['a1', 'b1', 'c1'],
  ['b1', 'c1'],
  ['c1'],
  ['a2', 'c1'],
  ['a2', 'a1', 'b2', 'b1'],
  ['b2'],
]
const connections = 1_000

for (const sessionAffinity of ['None', 'ClientIP'] as const) {
  test(`no connection fails while endpoints are replaced, affinity ${sessionAffinity}`, async (context) => {
    await using network = await openTestNetwork()
    using backend = openNftablesBackend({
      netlinkFd: network.openNetfilter('node-1'),
      node: {
        family: 'IPv4',
        podCidr: nodes['node-1'].podCidr,
        serviceCidrs: [plan.serviceCidr],
        masqueradeAll: false,
      },
      log: silentLog,
    })
    const tracker = new RouteTracker('IPv4', { name: 'node-1' })
    let before = slice({ endpoints: sets[0]! })
    tracker.serviceChanged(undefined, service({ sessionAffinity }))
    tracker.sliceChanged(undefined, before)
    const replace = async (count: number) => {
      const after = slice({ endpoints: sets[count % sets.length]! })
      tracker.sliceChanged(before, after)
      before = after
      const { desired, changes } = tracker.collect()
      await backend.sync(desired, changes)
    }
    await replace(0)
    const outcomes = new Map<string, number>()
    let replacements = 0
    for (let done = 0; done < connections; done += 10) {
      const pending = Array.from({ length: 10 }, () => exchangeTcp(network.openSocket('a1', 'TCP'), `${vip}:80`))
      for (let count = 0; count < 5; count++) await replace(++replacements)
      for (const answer of await Promise.all(pending)) {
        const kind = answer.includes(':8080') ? 'answered' : answer
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
      }
    }
    context.diagnostic(`${connections} connections, ${replacements} replacements`)
    assert.deepEqual([...outcomes], [['answered', connections]])
  })
}
