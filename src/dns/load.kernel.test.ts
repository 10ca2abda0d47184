/** A small version of the nonsense in tools/bench, so that it keeps working. Measuring: test/bench. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzDns } from '../../tools/bench/dns-fuzz.ts'

test('nonsense for two seconds: right questions between are answered rightly', async () => {
  const { packets, checks, replies } = await fuzzDns(2, 1)
  assert.ok(packets > 1000 && checks > 20 && replies > 100, JSON.stringify({ packets, checks, replies }))
})
