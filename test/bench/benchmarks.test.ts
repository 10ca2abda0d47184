/**
 * Small versions of all benchmarks, so that they never rot: each gives complete, finite figures, and keeps what has to hold
 * at any size and load (nothing lost, nothing wrong). How fast is not looked at: `npm run bench` is for that.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMeasured, isMet, type Row } from '../../tools/bench/benchmark.ts'
import { benchmarks } from '../../tools/bench/benchmarks/all.ts'
import { renderTable } from '../../tools/bench/render-report.ts'

const isComplete = ({ measured, cpuPerOperation }: Row): boolean =>
  measured.count > 0 &&
  [measured.median, measured.min, measured.max, cpuPerOperation?.value ?? 0].every((value) => Number.isFinite(value))

// Rollouts, in small, are test/e2e/no-lost-request.test.ts.
for (const benchmark of benchmarks.filter(({ name }) => name !== 'rollout')) {
  test(`${benchmark.name}, small`, { timeout: 60_000 }, async (context) => {
    const lines = await benchmark.run({ runs: 1, isSmall: true })
    const rows = lines.filter(isMeasured)
    for (const line of renderTable(lines).split('\n')) context.diagnostic(line)
    assert.deepEqual(
      rows.filter((row) => !isComplete(row)),
      [],
      'every figure is there',
    )
    assert.deepEqual(
      rows.filter((row) => row.isPromise && !isMet(row)),
      [],
      'nothing lost, nothing wrong',
    )
    if (rows.length === 0) context.skip(lines.map((line) => ('notMeasured' in line ? line.notMeasured : '')).join('; '))
  })
}
