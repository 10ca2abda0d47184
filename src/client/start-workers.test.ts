import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWorkers } from './start-workers.ts'

/** A clock that a test moves by hand. */
function handClock() {
  let now = 0
  const due: { atMs: number; callback: () => void }[] = []
  return {
    after: (delayMs: number, callback: () => void) => {
      const entry = { atMs: now + delayMs, callback }
      due.push(entry)
      return () => void (due.includes(entry) && due.splice(due.indexOf(entry), 1))
    },
    advance: (ms: number) => {
      now += ms
      for (const entry of due.filter((e) => e.atMs <= now)) {
        due.splice(due.indexOf(entry), 1)
        entry.callback()
      }
    },
    waits: () => due.map((entry) => entry.atMs - now),
  }
}

test('adds before the first run are merged, order is kept', async () => {
  const seen: string[] = []
  await using queue = startWorkers(
    { name: 't', reconcile: async (key) => void seen.push(key) },
    new AbortController().signal,
  )
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
  await queue.idle()
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('a key is never handled twice at once; an add meanwhile runs it once more', async () => {
  const gates: (() => void)[] = []
  let running = 0
  let most = 0
  const reconcile = async () => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => gates.push(resolve))
    running--
  }
  await using queue = startWorkers({ name: 't', reconcile, concurrency: 4 }, new AbortController().signal)
  queue.add('a')
  await Promise.resolve()
    .then(() => {})
    .then(() => {})
  queue.add('a')
  queue.add('a')
  gates.shift()!()
  while (gates.length === 0) await Promise.resolve()
  gates.shift()!()
  await queue.idle()
  assert.equal(most, 1)
  assert.equal(gates.length, 0)
})

test('different keys run side by side up to the concurrency', async () => {
  let running = 0
  let most = 0
  const reconcile = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
  }
  await using queue = startWorkers({ name: 't', reconcile, concurrency: 3 }, new AbortController().signal)
  for (let n = 0; n < 10; n++) queue.add(`k${n}`)
  await queue.idle()
  assert.equal(most, 3)
})

test('a throw backs off exponentially, a success forgets it', async () => {
  const clock = handClock()
  let fail = true
  let runs = 0
  const reconcile = async () => {
    runs++
    if (fail) throw new Error('not yet')
  }
  const options = { name: 't', reconcile, after: clock.after, random: () => 0 }
  await using queue = startWorkers(options, new AbortController().signal)
  const waits: number[] = []
  queue.add('a')
  for (let n = 0; n < 4; n++) {
    await queue.idle()
    waits.push(clock.waits()[0]!)
    clock.advance(clock.waits()[0]!)
  }
  await queue.idle()
  assert.deepEqual(waits, [5, 10, 20, 40])
  fail = false
  clock.advance(80)
  await queue.idle()
  assert.equal(runs, 6)
  fail = true
  queue.add('a')
  await queue.idle()
  assert.deepEqual(clock.waits(), [5])
})

test('of two delays the earlier counts', async () => {
  const clock = handClock()
  let runs = 0
  const options = { name: 't', reconcile: async () => void runs++, after: clock.after }
  await using queue = startWorkers(options, new AbortController().signal)
  queue.addAfter('a', 1000)
  queue.addAfter('a', 50)
  queue.addAfter('a', 500)
  clock.advance(50)
  await queue.idle()
  assert.equal(runs, 1)
  assert.deepEqual(clock.waits(), [])
})

test('stopping aborts what runs and starts nothing new', async () => {
  const stop = new AbortController()
  const seen: string[] = []
  const reconcile = (key: string, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      seen.push(key)
      signal.addEventListener('abort', () => resolve())
    })
  const queue = startWorkers({ name: 't', reconcile }, stop.signal)
  queue.add('a')
  queue.add('b')
  while (seen.length === 0) await Promise.resolve()
  stop.abort()
  await queue[Symbol.asyncDispose]()
  queue.add('c')
  await queue.idle()
  assert.deepEqual(seen, ['a'])
})
