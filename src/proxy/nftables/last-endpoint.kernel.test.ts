/** Whenever a Service's only endpoint comes or goes, a connection is answered or refused: never silence. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { close } from '#kernel/libc.ts'
import { openPath } from '#kernel/namespaces.ts'
import { silentLog } from '#observe/log.ts'
import { RouteTracker } from '../desired-routes.ts'
import { connectConstantly } from '../suite/connect-constantly.ts'
import { openTestNetwork } from '../suite/open-test-network.ts'
import { nodes, plan, service, slice, vip } from '../suite/packet-case.ts'
import { openNftablesBackend } from './apply-nftables.ts'

const rounds = 2_000

for (const sessionAffinity of ['None', 'ClientIP'] as const) {
  test(`the only endpoint comes and goes while a node connects, affinity ${sessionAffinity}`, async (context) => {
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
    let before = slice({ endpoints: ['a1'] })
    tracker.serviceChanged(undefined, service({ sessionAffinity }))
    tracker.sliceChanged(undefined, before)
    const sync = async () => {
      const { desired, changes } = tracker.collect()
      await backend.sync(desired, changes)
    }
    await sync()
    const netnsFd = network.within('node-1', () => openPath('/proc/thread-self/ns/net'))
    const client = connectConstantly({ netnsFd, address: vip, port: 80 })
    const total = () => Object.values(client.counts()).reduce((sum, count) => sum + count, 0)
    for (let change = 0; change < rounds; change++) {
      const after = slice({ endpoints: change % 2 === 0 ? [] : ['a1'] })
      tracker.sliceChanged(before, after)
      before = after
      await sync()
      const seen = total()
      while (total() === seen) await nextTurn()
    }
    await client.stop()
    close(netnsFd)
    const { answered, refused, silent } = client.counts()
    context.diagnostic(`${rounds} changes, ${answered} connections answered, ${refused} refused`)
    assert.equal(silent, 0)
    assert.ok(answered > 0 && refused > 0)
  })
}
