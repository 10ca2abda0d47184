/** The report of a run: tables for people, printed and kept in docs/benchmarks.md. */
import { type Benchmark, isMeasured, isMet, type Line, type Row } from './benchmark.ts'

export interface Section {
  readonly benchmark: Pick<Benchmark, 'title' | 'method'>
  readonly lines: readonly Line[]
}

export interface Report {
  /** Machine, software and load, one fact each. */
  readonly setUp: readonly string[]
  readonly sections: readonly Section[]
}

export function renderReport({ setUp, sections }: Report): string {
  const parts = sections.map(
    ({ benchmark: { title, method }, lines }) => `## ${title}\n\n${method.trim()}\n\n${renderTable(lines)}\n`,
  )
  return `# Benchmarks

Printed by \`npm run bench\`, which rewrites this page. Every × is a ratio of two things measured in turn in this run:
trust those before milliseconds, which belong to the machine below. *Result* is the median of the samples; *CPU* is
processor time, user and system, for one operation. Goals are goals: a missed one says so.

${setUp.map((fact) => `- ${fact}`).join('\n')}

${parts.join('\n')}`
}

const head = ['', 'goal', 'result', '', 'lowest', 'highest', 'samples', 'CPU']

export function renderTable(lines: readonly Line[]): string {
  const body = lines.map((line) => (isMeasured(line) ? cellsOf(line) : [line.what, '', ...missing(line.notMeasured)]))
  const widths = head.map((_, column) => Math.max(3, ...[head, ...body].map((cells) => cells[column]!.length)))
  const draw = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [draw(head), rule, ...body.map(draw)].join('\n')
}

const missing = (why: string): string[] => [`not measured: ${why}`, '', '', '', '0', '']

function cellsOf(row: Row): string[] {
  const { what, unit, measured, cpuPerOperation: cpu } = row
  return [
    what,
    formatGoal(row),
    withUnit(measured.median, unit),
    { true: 'met', false: 'missed', undefined: '' }[`${isMet(row)}`],
    formatNumber(measured.min),
    formatNumber(measured.max),
    String(measured.count),
    cpu ? withUnit(cpu.value, cpu.unit) : '',
  ]
}

function formatGoal({ goal, unit }: Row): string {
  if (!goal) return ''
  return 'atMost' in goal ? `≤ ${withUnit(goal.atMost, unit)}` : `≥ ${withUnit(goal.atLeast, unit)}`
}

const withUnit = (value: number, unit: string): string => `${formatNumber(value)} ${unit}`.trim()

/** Three digits that count; whole numbers as they are. */
function formatNumber(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return value.toFixed(0)
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 ? 2 : 3)
}
