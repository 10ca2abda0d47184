/**
 * `npm run bench`: measures, prints tables, writes docs/benchmarks.md. Options: `--runs N` (default 7), `--only NAME`
 * (several by commas; prints alone, writes nothing), `--small` (what `npm test` runs), `--no-write`.
 */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { isMeasured, isMet } from './benchmark.ts'
import { benchmarks } from './benchmarks/all.ts'
import { renderReport, renderTable, type Section } from './render-report.ts'

const page = path.resolve(import.meta.dirname, '../../docs/benchmarks.md')

function describeSetUp(runs: number): string[] {
  const [cpu] = os.cpus()
  const user = process.getuid?.() === 0 ? 'root' : 'an ordinary user'
  return [
    `${os.availableParallelism()} cores (${cpu?.model ?? 'unknown'}), ${Math.round(os.totalmem() / 2 ** 30)} GiB of memory`,
    `Linux ${os.release()}, Node ${process.versions.node}, as ${user}`,
    `${runs} runs; load average when they began: ${os.loadavg()[0]?.toFixed(2)}`,
  ]
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    only: { type: 'string' },
    small: { type: 'boolean', default: false },
    write: { type: 'boolean', default: true },
  },
  allowNegative: true,
})
const runs = Number(values.runs)
const all = benchmarks.map(({ name }) => name)
const names = values.only?.split(',') ?? all
for (const name of names) {
  if (!all.includes(name)) throw new Error(`Cannot measure ${name}: there are ${all.join(', ')}`)
}
const setUp = describeSetUp(runs)
const sections: Section[] = []
for (const benchmark of benchmarks.filter(({ name }) => names.includes(name))) {
  const begun = performance.now()
  console.error(`measuring ${benchmark.name} …`)
  const lines = await benchmark.run({ runs, isSmall: values.small })
  console.log(`\n${benchmark.title} (${((performance.now() - begun) / 1000).toFixed(0)} s)\n\n${renderTable(lines)}`)
  sections.push({ benchmark, lines })
}
const isWhole = names.length === all.length && !values.small
if (values.write && isWhole) writeFileSync(page, renderReport({ setUp, sections }))
const broken = sections.flatMap(({ lines }) =>
  lines.filter((line) => isMeasured(line) && line.isPromise && !isMet(line)),
)
for (const { what } of broken) console.error(`broken promise: ${what}`)
process.exitCode = broken.length === 0 ? 0 : 1
