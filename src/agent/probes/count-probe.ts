/** How single results of a probe become its verdict. */
export interface ProbeCount {
  /** Undefined until a threshold was reached for the first time. */
  readonly verdict: boolean | undefined
  readonly last: boolean | undefined
  readonly inRow: number
}

export const noResults: ProbeCount = { verdict: undefined, last: undefined, inRow: 0 }

export function countResult(
  count: ProbeCount,
  success: boolean,
  thresholds: { readonly success: number; readonly failure: number },
): ProbeCount {
  const inRow = success === count.last ? count.inRow + 1 : 1
  const reached = inRow >= (success ? thresholds.success : thresholds.failure)
  return { verdict: reached ? success : count.verdict, last: success, inRow }
}
