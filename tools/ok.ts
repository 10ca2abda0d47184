/** `npm run ok`: what CI checks first, in seconds on a desk. */
import { globSync } from 'node:fs'
import { runStep, type Step } from './run-step.ts'

const unitTests = globSync(['src/**/*.test.ts', 'tools/**/*.test.ts', 'test/cluster/**/*.test.ts']).filter(
  (file) => !file.endsWith('.kernel.test.ts'),
)

const steps: Step[] = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'tools'] },
  { name: 'format', command: ['oxfmt', '--check', 'src', 'test', 'tools'] },
  { name: 'layers', command: ['node', 'tools/check-layers.ts'] },
  { name: 'dead code', command: ['knip', '--no-progress'] },
]

const results = []
for (const step of steps) results.push(await runStep(step, false))
results.push(
  await runStep(
    { name: 'unit tests', command: ['node', '--test', '--test-isolation=none', '--test-reporter=dot', ...unitTests] },
    true,
  ),
)
process.exitCode = results.every((result) => result.passed) ? 0 : 1
