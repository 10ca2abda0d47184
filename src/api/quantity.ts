/** Exact arithmetic of resource quantities, and the form in which Kubernetes shows them. */
import { quantityProblems } from './check-quantity.ts'

export interface Quantity {
  /** The amount in billionths, the smallest step that a quantity knows. */
  readonly nanos: bigint
  /** How it is shown: `1500m`, `1536Mi`, `15e2`. */
  readonly form: 'decimal' | 'binary' | 'exponent'
}

const billion = 1_000_000_000n
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
/** Larger exponents only make numbers that nobody has. */
const largestExponent = 30

export const zero: Quantity = { nanos: 0n, form: 'decimal' }

export function countOf(count: number): Quantity {
  return { nanos: BigInt(count) * billion, form: 'decimal' }
}

/** @param text a valid quantity: objects are checked when they are decoded */
export function parseQuantity(text: string): Quantity {
  const match = /^([+-]?)(\d*)\.?(\d*)(.*)$/.exec(text)
  if (!match || quantityProblems(text).length > 0) throw new Error(`Cannot read the quantity ${text}: not a number`)
  const [, sign, whole = '', fraction = '', suffix = ''] = match
  const digits = BigInt(`${whole}${fraction}`) * billion
  const { factor, divisor, form } = scaleOf(suffix)
  const amount = roundUp(digits * factor, divisor * 10n ** BigInt(fraction.length))
  return { nanos: sign === '-' ? -amount : amount, form }
}

function scaleOf(suffix: string): { factor: bigint; divisor: bigint; form: Quantity['form'] } {
  if (/^[eE][+-]?\d/.test(suffix)) {
    const exponent = Math.max(-largestExponent, Math.min(largestExponent, Number(suffix.slice(1))))
    return { ...powerOfTen(exponent), form: 'exponent' }
  }
  const binary = suffix === '' ? 0 : binarySuffixes.indexOf(suffix)
  if (binary > 0) return { factor: 1024n ** BigInt(binary), divisor: 1n, form: 'binary' }
  return { ...powerOfTen(3 * (decimalSuffixes.indexOf(suffix) - 3)), form: 'decimal' }
}

function powerOfTen(exponent: number): { factor: bigint; divisor: bigint } {
  const power = 10n ** BigInt(Math.abs(exponent))
  return exponent < 0 ? { factor: 1n, divisor: power } : { factor: power, divisor: 1n }
}

const roundUp = (amount: bigint, divisor: bigint): bigint => (amount + divisor - 1n) / divisor

/** The canonical text: the largest suffix that leaves a whole number. */
export function renderQuantity({ nanos, form }: Quantity): string {
  if (nanos < 0n) return `-${renderQuantity({ nanos: -nanos, form })}`
  if (form === 'binary' && nanos >= 1024n * billion && nanos % billion === 0n) {
    const { number, steps } = shorten(nanos / billion, 1024n, binarySuffixes.length - 1)
    return `${number}${binarySuffixes[steps]}`
  }
  if (nanos === 0n) return '0'
  const { number, steps } = shorten(nanos, 1000n, decimalSuffixes.length - 1)
  const exponent = 3 * (steps - 3)
  if (form === 'exponent') return exponent === 0 ? String(number) : `${number}e${exponent}`
  return `${number}${decimalSuffixes[steps]}`
}

function shorten(amount: bigint, base: bigint, mostSteps: number): { number: bigint; steps: number } {
  let [number, steps] = [amount, 0]
  while (steps < mostSteps && number % base === 0n) [number, steps] = [number / base, steps + 1]
  return { number, steps }
}

/** Keeps the form of the first, unless that is nothing. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos + b.nanos, form: a.nanos === 0n ? b.form : a.form }
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return addQuantities(a, { ...b, nanos: -b.nanos })
}
