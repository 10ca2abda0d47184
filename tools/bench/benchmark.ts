/** What every benchmark is: a name, a text that says how it measures, and rows for the report. */
import { summarize, type Summary } from './statistics.ts'

export type Unit = 'ms' | 'µs' | 'MiB' | '%' | '×' | 'Gbit/s' | 'per second' | ''

export type Goal = { readonly atMost: number } | { readonly atLeast: number }

/** One line of the report. `×` is a ratio of two things that were measured in this run, in turn. */
export interface Row {
  readonly what: string
  readonly unit: Unit
  readonly measured: Summary
  /** In the same unit. */
  readonly goal?: Goal
  /** Must hold on every machine, at every size and load: nothing lost, nothing wrong. Tests look at it. */
  readonly isPromise?: boolean
  /** Processor time for one operation, user and system. */
  readonly cpuPerOperation?: { readonly value: number; readonly unit: 'ms' | 'µs' | 'µs/MiB' }
}

/** Something that this machine cannot measure, and why: `Unbound is not installed`. */
export interface NotMeasured {
  readonly what: string
  readonly notMeasured: string
}

export type Line = Row | NotMeasured

export interface Scale {
  /** How often, where a benchmark does something again and again. */
  readonly runs: number
  /** For tests: the same work on little, in seconds. */
  readonly isSmall: boolean
}

export interface Benchmark {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  /** One paragraph for the report. */
  readonly method: string
  run(scale: Scale): Promise<readonly Line[]>
}

export const isMeasured = (line: Line): line is Row => 'measured' in line

export function isMet({ goal, measured }: Row): boolean | undefined {
  if (!goal) return undefined
  return 'atMost' in goal ? measured.median <= goal.atMost : measured.median >= goal.atLeast
}

/** The ratio of each pair, measured one after the other. */
export function pairRatios(over: readonly number[], under: readonly number[]): Summary {
  return summarize(over.map((value, index) => value / under[index]!))
}
