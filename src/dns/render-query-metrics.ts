/** What was asked, by pod, in Prometheus' text format. */
import { newCounts, type QueryCounts } from './query-counts.ts'
import type { PodCounts } from './thread-messages.ts'

/** Pods with series of their own: those that ask most. The others share the series of the pod `_others`. */
const maxPods = 1000

interface Row {
  readonly labels: string
  readonly counts: QueryCounts
}

/** `all` may name a pod several times: once for each thread. Askers that are no pods have empty labels. */
export function renderQueryMetrics(all: readonly PodCounts[]): string {
  const byPod = Map.groupBy(all, ({ namespace, pod }) => labelsOf(namespace, pod))
  const byUse = [...byPod]
    .map(([labels, parts]): Row => ({ labels, counts: sumOf(parts.map(({ counts }) => counts)) }))
    .toSorted((a, b) => answered(b.counts) - answered(a.counts))
  const rows = byUse.slice(0, maxPods)
  if (byUse.length > maxPods) {
    rows.push({ labels: labelsOf('', '_others'), counts: sumOf(byUse.slice(maxPods).map(({ counts }) => counts)) })
  }
  const answers = (['noerror', 'nxdomain', 'servfail', 'other'] as const).flatMap((rcode) =>
    rows.map(({ labels, counts }) => ({ labels: `${labels},rcode="${rcode.toUpperCase()}"`, value: counts[rcode] })),
  )
  return [
    series('frontdesk_dns_queries_total', 'DNS queries answered, by the pod that asked.', answers),
    series(
      'frontdesk_dns_forwarded_total',
      'DNS queries for names outside the cluster, by the pod that asked.',
      rows.map(({ labels, counts }) => ({ labels, value: counts.forwarded })),
    ),
    series(
      'frontdesk_dns_searches_ended_total',
      'Searches along a search path that ended at their first query, by the pod that asked.',
      rows.map(({ labels, counts }) => ({ labels, value: counts.searched })),
    ),
  ].join('')
}

function series(name: string, help: string, values: readonly { labels: string; value: number }[]): string {
  const lines = values.map(({ labels, value }) => `${name}{${labels}} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join('')}`
}

/** Names of pods and namespaces need no escapes. */
function labelsOf(namespace: string, pod: string): string {
  return `namespace="${namespace}",pod="${pod}"`
}

function answered({ noerror, nxdomain, servfail, other }: QueryCounts): number {
  return noerror + nxdomain + servfail + other
}

function sumOf(all: readonly QueryCounts[]): QueryCounts {
  const sum = newCounts()
  for (const counts of all) for (const key of Object.keys(sum) as (keyof QueryCounts)[]) sum[key] += counts[key]
  return sum
}
