import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { type Duplex, duplexPair } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { socketPipe } from './byte-pipe.ts'
import { encodeFrame, SpdyFrameDecoder } from './spdy-frames.ts'
import type { SpdyFrame } from './spdy-frames.ts'
import { runSpdySession, type SpdyStream } from './spdy-session.ts'

interface Peer {
  request(options: object, done: (error: Error | null) => void): Duplex & { abort(): void }
  start(version: number): void
  ping(done: () => void): void
  end(): void
}
const { connection } = createRequire(import.meta.url)('spdy-transport') as {
  connection: { create(socket: Duplex, options: object): Peer }
}

function open(onStream: (stream: SpdyStream) => unknown) {
  const [ours, theirs] = duplexPair()
  const over = runSpdySession(socketPipe(ours, new Uint8Array()), onStream)
  const peer = connection.create(theirs, { protocol: 'spdy', isServer: false })
  peer.start(3.1)
  const request = (headers: object) =>
    peer.request({ method: 'POST', path: '/', headers }, (error) => assert.equal(error, null))
  return { peer, request, over, theirs }
}

async function echo(stream: SpdyStream): Promise<void> {
  for await (const chunk of stream.readable) await stream.write(chunk)
  await stream.end()
}

test('SPDY: another library’s streams are echoed past its flow-control windows', async () => {
  const headers: unknown[] = []
  const { request, over, theirs } = open((stream) => {
    headers.push([stream.headers.streamtype, stream.headers.port])
    void echo(stream)
  })
  const sent = Array.from({ length: 3 }, () => randomBytes(400_000))
  const received = await Promise.all(
    sent.map((bytes, index) => {
      const stream = request({ streamtype: 'data', port: String(index) })
      stream.end(bytes)
      return buffer(stream)
    }),
  )
  assert.deepEqual(headers, [
    ['data', '0'],
    ['data', '1'],
    ['data', '2'],
  ])
  for (const [index, bytes] of received.entries()) assert.ok(bytes.equals(sent[index]!), `stream ${index}`)
  theirs.end()
  await over
})

test('SPDY: a ping is echoed', async () => {
  const { peer, over, theirs } = open(() => {})
  await new Promise<void>((resolve) => peer.ping(resolve))
  theirs.end()
  await over
})

test('SPDY: a stream that the client resets ends for its reader', async () => {
  const ended = Promise.withResolvers<number>()
  const { request, over, theirs } = open(async (stream) => {
    let size = 0
    for await (const chunk of stream.readable) size += chunk.length
    ended.resolve(size)
  })
  const stream = request({ streamtype: 'data' })
  stream.on('error', () => {})
  stream.write('abc', () => stream.abort())
  assert.equal(await ended.promise, 3)
  theirs.end()
  await over
})

test('SPDY: a lost connection ends all readers', async () => {
  const ended = Promise.withResolvers<void>()
  const { request, over, theirs } = open(async (stream) => {
    for await (const _chunk of stream.readable) theirs.end()
    ended.resolve()
  })
  request({ streamtype: 'data' }).write('abc')
  await over
  await ended.promise
})

test('SPDY: a connection that speaks nonsense is ended', async () => {
  const [ours, theirs] = duplexPair()
  const over = runSpdySession(socketPipe(ours, new Uint8Array()), () => {})
  theirs.write(Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]))
  await assert.rejects(over, /version 2/)
})

test('SPDY: of a stream opened twice the second is refused', async () => {
  const [ours, theirs] = duplexPair()
  const seen: SpdyFrame[] = []
  const decoder = new SpdyFrameDecoder()
  theirs.on('data', (chunk: Buffer) => seen.push(...decoder.push(chunk)))
  const over = runSpdySession(socketPipe(ours, new Uint8Array()), () => {})
  const wrapped = (await import('./spdy-compression.ts')).HeaderStorer
  const storer = new wrapped()
  const headers = Buffer.alloc(4)
  for (let n = 0; n < 2; n++) {
    theirs.write(encodeFrame({ type: 'synStream', streamId: 1, fin: false, headerBlock: storer.wrap(headers) }))
  }
  theirs.end()
  await over
  assert.deepEqual(
    seen.map(({ type }) => type),
    ['synReply', 'rstStream'],
  )
})
