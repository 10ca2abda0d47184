import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WatchLineDecoder } from './decode-watch-lines.ts'

test('events survive any cut into chunks', () => {
  const event = fc.tuple(fc.constantFrom('ADDED', 'MODIFIED'), fc.string({ unit: 'grapheme' }))
  fc.assert(
    fc.property(fc.array(event), fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (pairs, sizes) => {
      const events = pairs.map(([type, text]) => ({ type, object: { text } }))
      const wire = Buffer.from(events.map((e) => `${JSON.stringify(e)}\n`).join(''))
      const decoder = new WatchLineDecoder()
      const seen: unknown[] = []
      for (let at = 0; at < wire.length;) {
        const size = sizes.next().value as number
        seen.push(...decoder.push(wire.subarray(at, at + size)))
        at += size
      }
      assert.deepEqual(seen, events)
    }),
  )
})

test('a line is handed out as soon as it is complete, and empty lines are nothing', () => {
  const decoder = new WatchLineDecoder()
  assert.deepEqual(decoder.push(Buffer.from('{"type":"ADDED"}\n\n{"type":')), [{ type: 'ADDED' }])
  assert.deepEqual(decoder.push(Buffer.from('"DELETED"}')), [])
  assert.deepEqual(decoder.push(Buffer.from('\n')), [{ type: 'DELETED' }])
})
