/** The server's side of a SPDY/3.1 connection over any byte pipe: streams that the client opens. */
import { ByteQueue } from './byte-queue.ts'
import type { BytePipe } from './byte-pipe.ts'
import { HeaderInflater, HeaderStorer } from './spdy-compression.ts'
import { decodeHeaders, encodeFrame, encodeHeaders, rstStatus, SpdyFrameDecoder } from './spdy-frames.ts'
import type { SpdyFrame, SpdyHeaders } from './spdy-frames.ts'

export interface SpdyStream {
  readonly headers: SpdyHeaders
  /** Ends when the client half-closes or resets the stream, or the connection is lost. */
  readonly readable: AsyncIterable<Uint8Array>
  /** Resolves when the connection has taken the bytes. Does nothing once the client has reset the stream. */
  write(chunk: Uint8Array): Promise<void>
  /** Half-closes. */
  end(): Promise<void>
  reset(): Promise<void>
}

/** Frames of bulk data stay below this, so that streams take turns. */
const mostDataBytes = 64 * 1024
/** Our share of flow control: client-go ignores windows, others stop at 64 KB without updates. */
const windowStepBytes = 16 * 1024
const mostStreams = 4_096
/** client-go wants none; SPDY libraries made for HTTP do. */
const acceptedHeaders = { ':status': '200', ':version': 'HTTP/1.1' }

/** Reads until the connection ends. `onStream` is called for each stream that the client opens. */
export async function runSpdySession(pipe: BytePipe, onStream: (stream: SpdyStream) => void): Promise<void> {
  const session = new SpdySession(pipe, onStream)
  try {
    await session.run()
  } finally {
    session.close()
  }
}

class SpdySession {
  readonly #pipe: BytePipe
  readonly #onStream: (stream: SpdyStream) => void
  readonly #streams = new Map<number, Stream>()
  readonly #inflater = new HeaderInflater()
  readonly #storer = new HeaderStorer()
  #room = Promise.resolve()
  #makeRoom: (() => void) | undefined
  #fullStreams = 0

  constructor(pipe: BytePipe, onStream: (stream: SpdyStream) => void) {
    this.#pipe = pipe
    this.#onStream = onStream
  }

  async run(): Promise<void> {
    const decoder = new SpdyFrameDecoder()
    for await (const chunk of this.#pipe.chunks) {
      for (const frame of decoder.push(chunk)) {
        await this.#take(frame)
        // One reader that does not keep up stops them all: SPDY as spoken by client-go has no windows to hold one back.
        await this.#room
      }
    }
  }

  close(): void {
    this.#inflater.close()
    for (const stream of this.#streams.values()) stream.queue.end()
    this.#streams.clear()
    this.#makeRoom?.()
    this.#pipe.close()
  }

  async #take(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case 'synStream':
        return this.#open(frame.streamId, frame.fin, decodeHeaders(await this.#inflater.inflate(frame.headerBlock)))
      case 'data': {
        const stream = this.#streams.get(frame.streamId)
        stream?.queue.push(frame.data)
        if (frame.fin) stream?.remoteEnd()
        return
      }
      case 'headers':
      case 'synReply':
        // Not used, but part of the compression state.
        await this.#inflater.inflate(frame.headerBlock)
        return
      case 'rstStream':
        this.#streams.get(frame.streamId)?.remoteReset()
        return
      case 'ping':
        // Odd numbers are the client's: they want an echo.
        if (frame.id % 2 === 1) void this.send(frame)
        return
      case 'goAway':
      case 'windowUpdate':
      case 'other':
        return
      default:
        frame satisfies never
    }
  }

  #open(id: number, isLast: boolean, headers: SpdyHeaders): void {
    if (this.#streams.has(id) || this.#streams.size >= mostStreams) {
      void this.send({ type: 'rstStream', streamId: id, status: rstStatus.refusedStream })
      return
    }
    const queue = new ByteQueue({
      fullAtBytes: 4 * 1024 * 1024,
      onFull: () => this.#block(),
      onRoom: () => this.#unblock(),
      onTaken: (bytes) => stream.taken(bytes),
    })
    const stream = new Stream(id, headers, queue, {
      send: (frame) => this.send(frame),
      forget: () => this.#streams.delete(id),
    })
    this.#streams.set(id, stream)
    const headerBlock = this.#storer.wrap(encodeHeaders(acceptedHeaders))
    void this.send({ type: 'synReply', streamId: id, fin: false, headerBlock })
    if (isLast) stream.remoteEnd()
    this.#onStream(stream)
  }

  #block(): void {
    if (this.#fullStreams++ > 0) return
    this.#room = new Promise((resolve) => (this.#makeRoom = resolve))
  }

  #unblock(): void {
    if (--this.#fullStreams === 0) this.#makeRoom?.()
  }

  /** A broken pipe ends `run`, which ends everything else. */
  send(frame: Exclude<SpdyFrame, { type: 'other' }>): Promise<void> {
    return this.#pipe.write(encodeFrame(frame)).catch(() => {})
  }
}

interface StreamLink {
  readonly send: (frame: Exclude<SpdyFrame, { type: 'other' }>) => Promise<void>
  readonly forget: () => void
}

class Stream implements SpdyStream {
  readonly headers: SpdyHeaders
  readonly queue: ByteQueue
  readonly #id: number
  readonly #link: StreamLink
  #unreported = 0
  #remoteEnded = false
  #ended = false

  constructor(id: number, headers: SpdyHeaders, queue: ByteQueue, link: StreamLink) {
    this.#id = id
    this.headers = headers
    this.queue = queue
    this.#link = link
  }

  get readable(): AsyncIterable<Uint8Array> {
    return this.queue
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#ended; at += mostDataBytes) {
      const data = chunk.subarray(at, at + mostDataBytes)
      await this.#link.send({ type: 'data', streamId: this.#id, fin: false, data })
    }
  }

  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#link.send({ type: 'data', streamId: this.#id, fin: true, data: new Uint8Array() })
    if (this.#remoteEnded) this.#link.forget()
  }

  async reset(): Promise<void> {
    if (this.#ended && this.#remoteEnded) return
    this.remoteReset()
    this.queue.discard()
    await this.#link.send({ type: 'rstStream', streamId: this.#id, status: rstStatus.cancel })
  }

  remoteEnd(): void {
    this.#remoteEnded = true
    this.queue.end()
    if (this.#ended) this.#link.forget()
  }

  remoteReset(): void {
    this.#ended = true
    this.#remoteEnded = true
    this.queue.end()
    this.#link.forget()
  }

  /** Tells the client that bytes were consumed, for itself (stream) and for all (session, stream 0). */
  taken(bytes: number): void {
    this.#unreported += bytes
    if (this.#unreported < windowStepBytes) return
    const delta = this.#unreported
    this.#unreported = 0
    void this.#link.send({ type: 'windowUpdate', streamId: 0, delta })
    if (!this.#remoteEnded) void this.#link.send({ type: 'windowUpdate', streamId: this.#id, delta })
  }
}
