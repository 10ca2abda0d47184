/** Resource quantities: `100m`, `1.5Gi`, `2e3`. */
export const quantityPattern = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'

const form = /^([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/

export function quantityProblems(text: string): string[] {
  return form.test(text) ? [] : [`quantities must match the regular expression '${quantityPattern}'`]
}

const suffixFactors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** The number that a quantity stands for (as a double); NaN when it is none. */
export function quantityValue(text: string): number {
  const match = form.exec(text)
  if (match === null) return NaN
  const [, digits = '', suffix = ''] = match
  if (/^[eE][+-]?\d/.test(suffix)) return Number(digits + suffix)
  return Number(digits) * (suffixFactors[suffix] ?? 1)
}
