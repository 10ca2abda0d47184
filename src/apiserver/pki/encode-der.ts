/** ASN.1 values in DER (ITU-T X.690): just what a certificate needs. */

/** Parses dotted decimal. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const septets = [value & 0x7f]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    septets.unshift((rest & 0x7f) | 0x80)
  return septets
}

/** @param magnitude big-endian bytes of a number that is not negative */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const digits = magnitude.subarray(start)
  // A leading one bit would make it negative.
  return tagged(0x02, (digits[0] ?? 0) >= 0x80 ? Uint8Array.from([0, ...digits]) : digits)
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tagged(0x30, concat(parts))
export const set = (...parts: readonly Uint8Array[]): Uint8Array => tagged(0x31, concat(parts))
export const boolean = (value: boolean): Uint8Array => tagged(0x01, Uint8Array.of(value ? 0xff : 0))
export const octetString = (bytes: Uint8Array): Uint8Array => tagged(0x04, bytes)
export const utf8String = (text: string): Uint8Array => tagged(0x0c, new TextEncoder().encode(text))
/** @param unusedBits how many of the last byte's low bits do not count */
export const bitString = (bytes: Uint8Array, unusedBits = 0): Uint8Array =>
  tagged(0x03, Uint8Array.from([unusedBits, ...bytes]))

/** Context-specific tag around complete values. */
export const explicit = (number: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  tagged(0xa0 | number, concat(parts))
/** Context-specific tag in place of a primitive value's own. */
export const implicit = (number: number, bytes: Uint8Array): Uint8Array => tagged(0x80 | number, bytes)

/** UTCTime up to 2049, GeneralizedTime after, as RFC 5280 4.1.2.5 demands. */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  const isLate = new Date(ms).getUTCFullYear() >= 2050
  return tagged(isLate ? 0x18 : 0x17, new TextEncoder().encode(isLate ? digits : digits.slice(2)))
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  return concat([Uint8Array.from([tag, ...lengthOf(content.length)]), content])
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff)
  return [0x80 | bytes.length, ...bytes]
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
