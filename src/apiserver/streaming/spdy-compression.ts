/** Header blocks of SPDY: one zlib stream per direction, flushed after each block, with a preset dictionary. */
import { constants, createInflate } from 'node:zlib'
import type { Inflate } from 'node:zlib'
import { spdyDictionary } from './spdy-dictionary.ts'

const mostHeaderBytes = 64 * 1024

/** Blocks must be given in order, each after the one before has resolved. */
export class HeaderInflater {
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH })
  #failure: Error | undefined

  constructor() {
    this.#inflate.on('error', (error) => (this.#failure = error))
  }

  inflate(block: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error('Cannot read SPDY headers: they are not compressed as SPDY/3 demands'))
      if (this.#failure) return fail()
      this.#inflate.once('error', fail)
      this.#inflate.write(block, () => {
        this.#inflate.off('error', fail)
        const parts: Buffer[] = []
        let size = 0
        for (let part = this.#inflate.read(); part !== null; part = this.#inflate.read()) {
          parts.push(part)
          size += part.length
          if (size > mostHeaderBytes) return reject(new Error('Cannot read SPDY headers: they are too long'))
        }
        resolve(Buffer.concat(parts))
      })
    })
  }

  close(): void {
    this.#inflate.close()
  }
}

/**
 * Wraps blocks without compressing them: a zlib stream may consist of stored blocks alone, so no state is needed and
 * encoding stays synchronous. What the server sends is a few bytes per stream.
 */
export class HeaderStorer {
  #begun = false

  wrap(block: Uint8Array): Uint8Array {
    if (block.length > 0xffff) throw new Error('Cannot send SPDY headers: they are too long')
    const head = Buffer.alloc(5)
    head.writeUInt16LE(block.length, 1)
    head.writeUInt16LE(~block.length & 0xffff, 3)
    const start = this.#begun ? [] : [zlibStart]
    this.#begun = true
    return Buffer.concat([...start, head, block, syncMarker])
  }
}

/** An empty stored block: what a sync flush ends with. Go's decoder hands nothing out before it has seen one. */
const syncMarker = Buffer.of(0, 0, 0, 0xff, 0xff)

/** Method deflate with a 32 KB window, "preset dictionary", check bits; then the dictionary's Adler-32. */
const zlibStart = Buffer.concat([Buffer.of(0x78, 0xbb), adler32(spdyDictionary)])

function adler32(bytes: Uint8Array): Buffer {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(b * 65536 + a)
  return sum
}
