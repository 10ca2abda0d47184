/** What is said about a row of numbers. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly count: number
}

export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error('Cannot summarize: nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)!, count: sorted.length }
}

/** The smallest value that is not below `share` of all: 0.99 gives the 99th percentile. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('Cannot find a quantile: nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
}

export const single = (value: number): Summary => summarize([value])
