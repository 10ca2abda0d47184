import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from './backoff.ts'

const cases = [
  { name: 'first failure waits the base', backoff: { baseMs: 5, maxMs: 1000 }, failures: 1, random: 0, wait: 5 },
  { name: 'doubles', backoff: { baseMs: 5, maxMs: 1000 }, failures: 4, random: 0.9, wait: 40 },
  { name: 'is capped', backoff: { baseMs: 5, maxMs: 1000 }, failures: 9, random: 0, wait: 1000 },
  {
    name: 'stays finite after very many failures',
    backoff: { baseMs: 5, maxMs: 1000 },
    failures: 5000,
    random: 0,
    wait: 1000,
  },
  { name: 'jitter shortens', backoff: { baseMs: 100, maxMs: 1000, jitter: 0.5 }, failures: 2, random: 0.5, wait: 150 },
]
for (const { name, backoff, failures, random, wait } of cases) {
  test(`back-off ${name}`, () => assert.equal(backoffMs(backoff, failures, random), wait))
}
