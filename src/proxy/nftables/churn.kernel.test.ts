/** New connections must not fail while endpoints are being replaced: every one that is ever routed is alive. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeTcp } from '../suite/open-exchange.ts'
import { vip, type PodName } from '../suite/packet-case.ts'
import { openChangingService } from './open-changing-service.ts'

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
    await using changing = await openChangingService({ sessionAffinity }, sets[0]!)
    const { network } = changing
    const outcomes = new Map<string, number>()
    let replacements = 0
    for (let done = 0; done < connections; done += 10) {
      const pending = Array.from({ length: 10 }, () => exchangeTcp(network.openSocket('a1', 'TCP'), `${vip}:80`))
      for (let count = 0; count < 5; count++) {
        await changing.replaceEndpoints(sets[++replacements % sets.length]!)
      }
      for (const answer of await Promise.all(pending)) {
        const kind = answer.includes(':8080') ? 'answered' : answer
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
      }
    }
    context.diagnostic(`${connections} connections, ${replacements} replacements`)
    assert.deepEqual([...outcomes], [['answered', connections]])
  })
}
