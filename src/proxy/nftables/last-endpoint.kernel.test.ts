/** Whenever a Service's only endpoint comes or goes, a connection is answered or refused: never silence. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { close } from '#kernel/libc.ts'
import { openPath } from '#kernel/namespaces.ts'
import { connectConstantly } from '../suite/connect-constantly.ts'
import { vip } from '../suite/packet-case.ts'
import { openChangingService } from './open-changing-service.ts'

const rounds = 2_000

for (const sessionAffinity of ['None', 'ClientIP'] as const) {
  test(`the only endpoint comes and goes while a node connects, affinity ${sessionAffinity}`, async (context) => {
    await using changing = await openChangingService({ sessionAffinity }, ['a1'])
    const netnsFd = changing.network.within('node-1', () => openPath('/proc/thread-self/ns/net'))
    const client = connectConstantly({ netnsFd, address: vip, port: 80 })
    const total = () => Object.values(client.counts()).reduce((sum, count) => sum + count, 0)
    for (let change = 0; change < rounds; change++) {
      await changing.replaceEndpoints(change % 2 === 0 ? [] : ['a1'])
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
