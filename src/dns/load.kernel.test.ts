/** Small versions of the measurements and of the nonsense in tools/bench, so that they keep working. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { benchDns } from '../../tools/bench/dns.ts'
import { fuzzDns } from '../../tools/bench/dns-fuzz.ts'

test('nonsense for two seconds: right questions between are answered rightly', async () => {
  const { packets, checks, replies } = await fuzzDns(2, 1)
  assert.ok(packets > 1000 && checks > 20 && replies > 100, JSON.stringify({ packets, checks, replies }))
})

test('a short load beside Unbound: no query is lost', async (context) => {
  const results = await benchDns({ services: 200, rounds: 1, seconds: 1 })
  if (!results) return context.skip('dnsperf or unbound is not installed')
  const own = results.find(({ server }) => server === 'frontdesk')!
  assert.equal(own.lost, 0)
  assert.ok(own.sent > 1000)
  // far from the mark, which one short round on a busy machine cannot show
  assert.ok(own.cpuRatio < 3, `CPU per query is ${own.cpuRatio.toFixed(2)} of Unbound's`)
})
