import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import type { EncodedWatchEvent } from '#api/wire.ts'
import type { Exchange } from './exchange.ts'
import { drained, untilAborted, writeAnswer } from './write-answer.ts'

/** Takes what it is given only when told to. */
function slowReader() {
  let take = () => {}
  const written: string[] = []
  const output = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      take = () => {
        written.push(chunk.toString())
        done()
      }
    },
  })
  return { output, written, take: () => take() }
}

test('a peer that reads on is waited for', async () => {
  const { output, take } = slowReader()
  output.write('abc')
  const waiting = drained(output, 60_000)
  take()
  assert.equal(await waiting, true)
})

test('a peer that takes nothing in time is given up', async () => {
  const { output } = slowReader()
  output.write('abc')
  assert.equal(await drained(output, 1), false)
})

test('a peer that goes away is given up', async () => {
  const { output } = slowReader()
  output.write('abc')
  const waiting = drained(output, 60_000)
  output.destroy()
  assert.equal(await waiting, false)
  assert.equal(await drained(output, 60_000), false)
})

const event = (line: string): EncodedWatchEvent => ({ event: {} as never, json: () => Buffer.from(line) })

test('a watch is not pulled while its reader does not read', async () => {
  const { output, written, take } = slowReader()
  let pulled = 0
  async function* events() {
    for (const line of ['a\n', 'b\n']) {
      pulled += 1
      yield [event(line), event(line)]
    }
  }
  const exchange = {
    method: 'GET',
    signal: new AbortController().signal,
    respond: () => output,
  } as unknown as Exchange
  const done = writeAnswer(exchange, { status: 200, headers: {}, body: { type: 'watch', events: events() } })
  while (output.writableLength === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(pulled, 1)
  take()
  while (output.writableLength === 0) await new Promise((resolve) => setImmediate(resolve))
  take()
  await done
  assert.deepEqual(written, ['a\na\n', 'b\nb\n'])
})

test('a source that never answers is left when the signal aborts, and told so', async () => {
  const stop = new AbortController()
  let returned = false
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => {
        returned = true
        return { done: true, value: undefined }
      },
    }),
  }
  const reading = (async () => {
    for await (const _ of untilAborted(source, stop.signal)) assert.fail('nothing comes')
  })()
  stop.abort()
  await reading
  assert.equal(returned, true)
})
