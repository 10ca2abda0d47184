/** Sums over what rollout-load.ts has counted, and what rollout.ts hands on. */
import type { LoadReport, TargetCounts } from './rollout-load.ts'
import type { Summary } from './statistics.ts'

export interface RolloutResult {
  readonly counts: LoadReport
  readonly rollouts: number
  readonly nodes: number
  readonly seconds: number
  readonly deletion: { readonly ordered: Summary; readonly control: Summary }
  /** One write of a small object through the API, in milliseconds: what a wait is made of. */
  readonly write: Summary
  /** Lost when one pod more was deleted with grace 0, which no promise covers. */
  readonly forced: { readonly fresh: number; readonly kept: number }
  /** Pods that were stopped although somebody had not confirmed, by the message of the event. */
  readonly unconfirmed: readonly string[]
}

/** All other ways must lose nothing. */
export const controlName = 'control'

export const total = ({ fresh, kept, datagrams }: TargetCounts): number => fresh + kept + datagrams
export const countFailures = ({ failures }: TargetCounts): number => sum(Object.values(failures))

/** Answered requests by all ways that must lose nothing. */
export const demanded = (counts: LoadReport): number => sum(demandedOf(counts).map(total))
export const lost = (counts: LoadReport): number => sum(demandedOf(counts).map(countFailures))
export const lostByControl = (counts: LoadReport): number => countFailures(counts[controlName]!)

/** Failures that are in `after` only, by all ways that must lose nothing otherwise. */
export function countForced(before: LoadReport, after: LoadReport): RolloutResult['forced'] {
  const count = (counts: LoadReport, isKept: boolean) =>
    sum(
      demandedOf(counts).flatMap(({ failures }) =>
        Object.entries(failures).map(([kind, times]) => (kind.startsWith('kept') === isKept ? times : 0)),
      ),
    )
  return { fresh: count(after, false) - count(before, false), kept: count(after, true) - count(before, true) }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const demandedOf = (counts: LoadReport): readonly TargetCounts[] =>
  Object.entries(counts).flatMap(([name, one]) => (name === controlName ? [] : [one]))
