/** The page docs/truth-table.md: what every packet case promises, and what each back end did. */
import type { Dial, Outcome, PacketCase } from './packet-case.ts'

/** `pass`, `–` where the case makes no sense, else what was seen. */
export type CaseResults = ReadonlyMap<string, string>

export interface Column {
  /** Back end and address family. */
  readonly name: string
  readonly results: CaseResults
}

export function renderTruthTable(cases: readonly PacketCase[], columns: readonly Column[]): string {
  const head = ['case', 'what must happen', ...columns.map(({ name }) => name)]
  const rows = cases.map((one) => [
    one.name,
    one.steps.map(({ dials }, index) => stepText(dials, one.steps.length > 1 ? index + 1 : 0)).join('<br>'),
    ...columns.map(({ results }) => results.get(one.name) ?? 'not run'),
  ])
  return [
    '# Truth table of the Service proxy',
    '',
    `Made by \`npm run truth-table\` from ${cases.length} packet cases (\`src/proxy/suite\`), each of them real connections`,
    'between network namespaces. Pods a1 and a2 run on node-1, b1 and b2 on node-2, c1 on node-3; `host` is a machine',
    'outside. *refused* is an error at once, *timeout* is silence.',
    'A hostNetwork pod is its node, as client and as endpoint (node-2:9090).',
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.map(line),
    '',
  ].join('\n')
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

/** The names and promises of a page, without what back ends did: to be compared with the list of cases. */
export const promisesOf = (page: string): string[] =>
  page
    .split('\n')
    .filter((text) => text.startsWith('| '))
    .map((text) => text.replace(/ \|$/, '').split(' | ').slice(0, 2).join(' | '))
