import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { deflateSync, constants } from 'node:zlib'
import fc from 'fast-check'
import { HeaderInflater, HeaderStorer } from './spdy-compression.ts'
import { spdyDictionary } from './spdy-dictionary.ts'
import { decodeHeaders, encodeFrame, encodeHeaders, SpdyFrameDecoder } from './spdy-frames.ts'

const id = fc.integer({ min: 1, max: 0x7fffffff })
const bytes = fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data))
const frame = fc.oneof(
  fc.record({ type: fc.constant('data' as const), streamId: id, fin: fc.boolean(), data: bytes }),
  fc.record({ type: fc.constant('synStream' as const), streamId: id, fin: fc.boolean(), headerBlock: bytes }),
  fc.record({ type: fc.constant('synReply' as const), streamId: id, fin: fc.boolean(), headerBlock: bytes }),
  fc.record({ type: fc.constant('headers' as const), streamId: id, fin: fc.boolean(), headerBlock: bytes }),
  fc.record({ type: fc.constant('rstStream' as const), streamId: id, status: fc.integer({ min: 1, max: 11 }) }),
  fc.record({ type: fc.constant('ping' as const), id: fc.nat(0xffffffff) }),
  fc.record({ type: fc.constant('goAway' as const), lastStreamId: id, status: fc.nat(2) }),
  fc.record({ type: fc.constant('windowUpdate' as const), streamId: id, delta: id }),
)

test('SPDY frames survive encoding, any cut into chunks, and decoding', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (frames, size) => {
      const wire = Buffer.concat(frames.map(encodeFrame))
      const decoder = new SpdyFrameDecoder()
      const seen: unknown[] = []
      for (let at = 0; at < wire.length; at += size) seen.push(...decoder.push(wire.subarray(at, at + size)))
      assert.deepEqual(JSON.stringify(seen), JSON.stringify(frames))
    }),
  )
})

test('frames of other versions and cut-off control frames are refused', () => {
  const ping = Buffer.from(encodeFrame({ type: 'ping', id: 1 }))
  const old = Buffer.from(ping)
  old[1] = 2
  assert.throws(() => new SpdyFrameDecoder().push(old), /version 2/)
  const short = Buffer.from(ping.subarray(0, 8))
  short[7] = 0
  assert.throws(() => new SpdyFrameDecoder().push(short), /0 bytes/)
})

test('header blocks survive', () => {
  const name = fc.stringMatching(/^[a-z-]{1,10}$/).filter((text) => text !== '__proto__')
  fc.assert(
    fc.property(
      fc.dictionary(
        name,
        fc.string({ maxLength: 30 }).filter((text) => !text.includes('\0')),
        { noNullPrototype: true },
      ),
      (headers) => {
        assert.deepEqual(decodeHeaders(encodeHeaders(headers)), headers)
      },
    ),
  )
  assert.throws(() => decodeHeaders(encodeHeaders({ a: 'bcd' }).subarray(0, 10)), /cut off|outside|range/)
})

test('the dictionary is that of the specification', () => {
  const require = createRequire(import.meta.url)
  const peer = require('spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js') as Record<string, Buffer>
  assert.deepEqual(Buffer.from(spdyDictionary), peer['3.1'])
})

test('stored header blocks inflate again, block after block', async () => {
  const inflater = new HeaderInflater()
  const storer = new HeaderStorer()
  for (const block of ['one', '', 'three'.repeat(1000)]) {
    assert.equal(Buffer.from(await inflater.inflate(storer.wrap(Buffer.from(block)))).toString(), block)
  }
  inflater.close()
  const ending = Buffer.from(storer.wrap(Buffer.of(1)))
    .subarray(-4)
    .toString('hex')
  assert.equal(ending, '0000ffff', 'Go’s decoder waits for a sync marker')
})

test('compressed header blocks inflate; wrong ones fail and stay failed', async () => {
  const inflater = new HeaderInflater()
  const options = { dictionary: spdyDictionary, finishFlush: constants.Z_SYNC_FLUSH }
  const block = deflateSync(encodeHeaders({ streamtype: 'data', port: '80' }), options)
  assert.deepEqual(decodeHeaders(await inflater.inflate(block)), { streamtype: 'data', port: '80' })
  await assert.rejects(inflater.inflate(Buffer.from('nonsense')), /not compressed/)
  await assert.rejects(inflater.inflate(block), /not compressed/)
  inflater.close()
})
