/** The page docs/truth-table.md: what every packet case promises, what each back end did, and by what each row is proven. */
import type { Dial, Outcome, PacketCase } from './packet-case.ts'
import type { Row, RowGroup } from './row.ts'

/** `pass`, `–` where the case makes no sense, else what was seen. */
export type CaseResults = ReadonlyMap<string, string>

export interface Column {
  /** Back end and address family. */
  readonly name: string
  readonly results: CaseResults
}

export function renderTruthTable(
  cases: readonly PacketCase[],
  groups: readonly RowGroup[],
  columns: readonly Column[],
): string {
  return [
    '# Truth table of the Service proxy',
    '',
    `Made by \`npm run truth-table\` from ${cases.length} packet cases (\`src/proxy/suite\`), each of them real connections`,
    'between network namespaces. Pods a1 and a2 run on node-1, b1 and b2 on node-2, c1 on node-3; `host` is a machine',
    'outside. *refused* is an error at once, *timeout* is silence.',
    'A hostNetwork pod is its node, as client and as endpoint (node-2:9090).',
    '',
    ...casesTable(cases, columns),
    '',
    '## What a Service proxy has to do, and what proves it',
    '',
    'Rows are proven by cases of the table above or by tests that are named. A row without a proof fails `npm run ok`, and',
    'so does a proof that is not there.',
    '',
    ...groups.flatMap((group) => [...groupTable(group, cases), '']),
  ].join('\n')
}

function casesTable(cases: readonly PacketCase[], columns: readonly Column[]): string[] {
  const head = [...caseHead, ...columns.map(({ name }) => name)]
  const rows = cases.map((one) => [
    one.name,
    one.steps.map(({ dials }, index) => stepText(dials, one.steps.length > 1 ? index + 1 : 0)).join('<br>'),
    ...columns.map(({ results }) => results.get(one.name) ?? 'not run'),
  ])
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

const caseHead = ['case', 'what must happen'] as const

function groupTable({ title, rows }: RowGroup, cases: readonly PacketCase[]): string[] {
  const head = ['row', 'what must be', 'proof']
  const lines = rows.map((row) => line([row.id, row.promise, proofText(row, cases)]))
  return [`### ${title}`, '', line(head), line(head.map(() => '---')), ...lines]
}

const maxNamedCases = 3

function proofText({ id, tests, limits }: Row, cases: readonly PacketCase[]): string {
  const names = cases.filter(({ covers }) => covers.includes(id)).map(({ name }) => name)
  const more = names.length > maxNamedCases ? [`and ${names.length - maxNamedCases} more cases`] : []
  return [
    ...names.slice(0, maxNamedCases),
    ...more,
    ...tests.map(({ file, name }) => `\`${file}\`: ${name}`),
    ...limits.map(({ limit }) => `not here: ${limit} (limits.md)`),
  ].join('<br>')
}

const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/** Dials that expect the same of the same target are told together. */
function stepText(dials: readonly Dial[], number: number): string {
  const groups = new Map<string, string[]>()
  for (const dial of dials) {
    const { to, protocol = 'TCP', expect } = dial
    const target = typeof to === 'string' ? to : `${to[0]} … ${to.at(-1)}`
    const key = `→ ${target} ${protocol}: ${outcomeText(expect)}`
    groups.set(key, [...(groups.get(key) ?? []), dial.from])
  }
  const text = [...groups].map(([key, parties]) => `${parties.join(', ')} ${key}`).join('; ')
  return number === 0 ? text : `${number}. ${text}`
}

function outcomeText(outcome: Outcome): string {
  if (typeof outcome === 'string') return outcome
  const { by, seenAs, sticky } = outcome
  const who = sticky && by.length > 1 ? `always the same of ${by.join(', ')}` : by.join(', ')
  return seenAs === undefined ? who : `${who} seen as ${seenAs}`
}

/** What each back end did, as a page tells it. */
export function parseColumns(page: string): Column[] {
  const lines = page.split('\n')
  const start = lines.findIndex((text) => text.startsWith(`| ${caseHead.join(' | ')} |`))
  const table = lines.slice(start, lines.indexOf('', start)).map((text) => text.slice(2, -2).split(' | '))
  const [head = [], , ...rows] = table
  return head.slice(caseHead.length).map((name, index) => ({
    name,
    results: new Map(rows.map((cells) => [cells[0]!, cells[caseHead.length + index]!])),
  }))
}
