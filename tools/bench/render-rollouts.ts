/** What rollout.ts has found, as lines for the terminal and as a page. */
import os from 'node:os'
import type { TargetCounts } from './rollout-load.ts'
import {
  controlName,
  countFailures,
  demanded,
  lost,
  lostByControl,
  type RolloutResult,
  total,
} from './rollout-counts.ts'

export function renderRollouts(result: RolloutResult): string {
  const { counts, forced, deletion, write, unconfirmed, seconds, rollouts } = result
  const added = deletion.ordered.median - deletion.control.median
  return [
    ...Object.entries(counts).map(([name, one]) => renderCounts(name, one)),
    `all but the control: ${lost(counts)} lost of ${demanded(counts)}, over ${rollouts} rollouts ` +
      `in ${Math.round(seconds)} s; control: ${lostByControl(counts)} lost of ${total(counts[controlName]!)}`,
    `deletion of a pod: ${deletion.ordered.median.toFixed(1)} ms, control ${deletion.control.median.toFixed(1)} ms: ` +
      `${added.toFixed(1)} ms added; one write to the API: ${write.median.toFixed(1)} ms (medians)`,
    `then one pod deleted by force: ${forced.fresh} new and ${forced.kept} kept connections lost`,
    `stopped without confirmation: ${unconfirmed.length}`,
    ...unconfirmed.map((text) => `  ${text}`),
  ].join('\n')
}

function renderCounts(name: string, counts: TargetCounts): string {
  const { fresh, kept, datagrams, slowestMs } = counts
  const why = renderFailures(counts)
  const answered = datagrams > 0 ? `${datagrams} datagrams` : `${fresh} new and ${kept} kept`
  return `${name}: ${countFailures(counts)} lost${why && ` (${why})`}; ${answered} answered, slowest ${slowestMs} ms`
}

const renderFailures = ({ failures }: TargetCounts): string =>
  Object.entries(failures)
    .map(([kind, count]) => `${count} × ${kind}`)
    .join(', ')

const ways: Readonly<Record<string, string>> = {
  ordered: 'ClusterIP, from a pod',
  slow: 'ClusterIP; pods have a preStop hook and listen 0.5 s late',
  host: 'ClusterIP; pods in the network of their node',
  IPv6: 'ClusterIP of IPv6',
  datagrams: 'ClusterIP, UDP, each question from another port',
  'node port': 'node port, from outside',
  balancer: 'load balancer, from outside',
  'balancer, Local': 'load balancer, `externalTrafficPolicy: Local`, from outside',
  control: '**Control**: pods are stopped without waiting',
}

/** docs/benchmarks-rollout.md */
export function renderPage(result: RolloutResult): string {
  const { counts, forced, rollouts, nodes, seconds, unconfirmed, deletion, write } = result
  const rows = Object.keys(ways).flatMap((name) => {
    const one = counts[name]
    if (!one) return []
    const cells = [ways[name]!, one.fresh, one.kept, one.datagrams, countFailures(one), renderFailures(one)]
    return [`| ${cells.join(' | ')} |`]
  })
  const [cpu] = os.cpus()
  return `# No lost request

Printed by \`npm run bench:rollout\`, which rewrites this page.

**${lost(counts)} lost of ${demanded(counts)} requests over ${rollouts} rollouts**; the control, in the same run,
lost ${lostByControl(counts)} of ${total(counts[controlName]!)}.

- ${os.cpus().length} cores (${cpu?.model}), Linux ${os.release()}, Node ${process.versions.node}, as ${process.getuid?.() === 0 ? 'root' : 'an ordinary user'}
- ${nodes} nodes, ${Math.round(seconds)} s, about ${Math.round(demanded(counts) / seconds)} requests a second
- a pod's deletion takes ${deletion.ordered.median.toFixed(1)} ms, of the control ${deletion.control.median.toFixed(1)} ms; one write to the API ${write.median.toFixed(1)} ms (medians of ${write.count})
- pods stopped without confirmation of their routes: ${unconfirmed.length}
- one pod deleted with grace 0, which is not counted above: ${forced.fresh} new and ${forced.kept} kept connections lost

| way | new connections | on kept connections | datagrams | lost | how |
| --- | ---: | ---: | ---: | ---: | --- |
${rows.join('\n')}

## How it is measured

Four Deployments: three with three or two pods as the table says, and the control, which differs from the first in that its
pods stop without waiting for their routes (\`frontdesk.dev/await-routes: "false"\`), and that its EndpointSlice is written
from outside, 50 ms after its pods have changed (published times from a pod to its rules are 1.5 s and more). The cluster's
own controllers are mostly faster than a pod that closes its door. All are asked at a constant rate, whatever happens, by processes in
the network of a pod and outside of the nodes. A request is lost when it has no right answer: refused, reset, closed, or
silent for ten seconds. Nothing is tried again. Meanwhile: scaling up to 6, down to 1 and back; a pod not ready and ready
again; a node drained, removed and brought back; \`kill -9\` of the edge process and of the control plane (with it of every
Service proxy and agent) in the middle of rollouts; rolling restarts of all Deployments at once. A control that has lost
nothing by then is restarted until it has.
The server ends as docs/decisions/0010 asks: what waits at its door when SIGTERM comes is answered.
`
}
