/** DNS over a stream: each message stands behind its length in two bytes (RFC 1035 4.2.2). */
export class FrameSplitter {
  #rest: Uint8Array = new Uint8Array()

  /** The messages that `chunk` completes. */
  push(chunk: Uint8Array): Uint8Array[] {
    const data = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk)
    const frames: Uint8Array[] = []
    let at = 0
    while (data.length - at >= 2) {
      const end = at + 2 + ((data[at]! << 8) | data[at + 1]!)
      if (end > data.length) break
      frames.push(data.subarray(at + 2, end))
      at = end
    }
    this.#rest = data.slice(at)
    return frames
  }
}

export function frame(message: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(message.length >> 8, message.length & 255), message)
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length)
  whole.set(a)
  whole.set(b, a.length)
  return whole
}
