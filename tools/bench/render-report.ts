/** The report of a run: one table for people, printed and kept in docs/benchmarks.md. */
import type { Summary } from './statistics.ts'

export interface Row {
  readonly what: string
  readonly unit: 'ms' | 'MiB' | '%'
  readonly measured: Summary
  /** What we want it to be; not measured. */
  readonly aim?: string
}

export interface Report {
  /** Machine, software and load, one fact each. */
  readonly setUp: readonly string[]
  readonly rows: readonly Row[]
}

export function renderReport({ setUp, rows }: Report): string {
  return `# Benchmarks

Printed by \`npm run bench\`, which rewrites this page. Figures are as measured on the machine below, in one run, next to
what the same machine takes for starting an empty Node program and for one durable write: compare with those, not with
another machine's milliseconds. Aims are aims.

${setUp.map((fact) => `- ${fact}`).join('\n')}

${renderTable(rows)}

## How it is measured

- **Start-up.** Wall time from starting the command \`frontdesk up --nodes 3\`. *Nodes ready, names resolve* is its end.
  Then \`examples/hello\` (three replicas, a Service) and a pod that asks
  \`http://hello.default.svc.cluster.local\` are created together; *a pod was answered* is when the API shows that pod
  as succeeded. All four pods run Node, so four starts of Node are in this figure. Nothing is pulled.
- **Processor time.** User and system time of the cluster's own processes, all threads, just after \`up\`.
- **Memory.** Three nodes, no pods, after ten idle seconds. RSS counts pages that several processes share once for
  each; PSS divides them; anonymous memory is what is in no file.
- **Idle processor time.** Of all the cluster's own processes, over thirty seconds, in percent of one core.
- **First connection.** From the moment at which a watching API client hears that a new pod is ready, to the first
  connection through the Service's cluster IP that succeeds, tried each millisecond from every node's network.
- **Service proxy.** From API objects in memory to the commit in the kernel, one process in an empty network namespace.
`
}

export function renderTable(rows: readonly Row[]): string {
  const head = ['', 'median', 'lowest', 'highest', 'samples', 'aim']
  const body = rows.map(({ what, unit, measured, aim = '' }) => [
    what,
    `${format(measured.median)} ${unit}`,
    format(measured.min),
    format(measured.max),
    String(measured.count),
    aim,
  ])
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]!.length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...body.map(line)].join('\n')
}

function format(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}
