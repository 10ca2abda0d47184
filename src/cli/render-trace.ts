/** What `frontdesk dns trace` prints. */
import type { Trace } from '#dns/trace-search.ts'
import { renderColumns } from './render-columns.ts'

export function renderTrace({ steps, found }: Trace): string {
  const rows = steps.map(({ name, type, rcode, answers, micros }, index) => [
    `${index + 1}`,
    type,
    name,
    rcode === 'NOERROR' && answers.length === 0 ? 'no data' : (rcode ?? 'no answer'),
    `${(micros / 1000).toFixed(2)}ms`,
    answers.map((answer) => answer.slice(answer.indexOf(' ') + 1)).join(', '),
  ])
  const total = steps.reduce((sum, { micros }) => sum + micros, 0)
  const end = found === undefined ? 'nothing found' : `found at ${found}`
  return [
    renderColumns(['#', 'TYPE', 'QUESTION', 'RESULT', 'TIME', 'ANSWER'], rows),
    '',
    `${steps.length} questions, ${(total / 1000).toFixed(2)}ms: ${end}`,
  ].join('\n')
}
