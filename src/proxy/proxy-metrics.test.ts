import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from '#observe/metrics.ts'
import { ProxyMetrics } from './proxy-metrics.ts'

const result = {
  services: 1,
  durationMs: 1,
  isFull: false,
  healthChecks: new Map(),
  localGaps: { internal: 0, external: 0 },
  conntrackMs: 0,
  deletedFlows: 2,
}

async function open(startMs?: number) {
  const registry = await openMetrics()
  const metrics = new ProxyMetrics(registry, 'IPv4', startMs)
  const value = async (name: string): Promise<number> => {
    const { text } = await registry.expose()
    const line = text.split('\n').find((one) => one.startsWith(`kubeproxy_${name} `) || one.startsWith(`${name} `))
    return Number(line?.split(' ').at(-1))
  }
  return { registry, metrics, value }
}

test('pending changes: those that came, until they are written; a failure leaves them', async () => {
  const { metrics, value } = await open()
  const pending = async () => [
    await value('sync_proxy_rules_service_changes_pending'),
    await value('sync_proxy_rules_endpoint_changes_pending'),
  ]
  metrics.queued('service')
  metrics.queued('endpoints')
  metrics.queued('endpoints')
  assert.deepEqual(await pending(), [1, 2])
  metrics.collecting()
  metrics.failed()
  assert.deepEqual(await pending(), [1, 2])
  metrics.collecting()
  metrics.queued('service')
  metrics.synced(result)
  assert.deepEqual(await pending(), [1, 0], 'that one came too late')
  metrics.unchanged()
  assert.deepEqual(await pending(), [0, 0])
  assert.equal(await value('sync_proxy_rules_service_changes_total'), 2)
  assert.equal(await value('sync_proxy_rules_endpoint_changes_total'), 2)
})

test('network programming: from the trigger time until it is written, not what happened before the start', async () => {
  const startMs = Date.now()
  const { metrics, value } = await open(startMs - 60_000)
  const count = () => value('kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"}')
  const sum = () => value('kubeproxy_network_programming_duration_seconds_sum{ip_family="IPv4"}')
  const ago = (seconds: number) => new Date(startMs - seconds * 1000).toISOString()
  metrics.queued('endpoints', ago(2))
  metrics.queued('endpoints', ago(70))
  metrics.collecting()
  metrics.failed()
  assert.ok(!((await count()) > 0), 'not yet')
  metrics.queued('endpoints', ago(3))
  metrics.collecting()
  metrics.synced(result)
  assert.equal(await count(), 2)
  assert.ok((await sum()) >= 5 && (await sum()) < 15, String(await sum()))
  metrics.synced(result)
  assert.equal(await count(), 2, 'once')
})

test('syncs are counted by kind, with the time of the last one', async () => {
  const { metrics, value } = await open()
  const family = '{ip_family="IPv4"}'
  const counts = () =>
    Promise.all(
      [
        'kubeproxy_sync_proxy_rules_duration_seconds_count',
        'kubeproxy_sync_full_proxy_rules_duration_seconds_count',
        'kubeproxy_sync_partial_proxy_rules_duration_seconds_count',
        'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
      ].map((name) => value(name + family)),
    )
  const startSeconds = Date.now() / 1000
  metrics.queued('service')
  metrics.collecting()
  metrics.synced({ ...result, isFull: true })
  metrics.collecting()
  metrics.failed()
  metrics.collecting()
  metrics.synced(result)
  assert.deepEqual(await counts(), [2, 1, 1, 1])
  for (const what of ['timestamp', 'queued_timestamp']) {
    assert.ok((await value(`kubeproxy_sync_proxy_rules_last_${what}_seconds${family}`)) >= startSeconds, what)
  }
})

/** All that kube-proxy exports in nftables mode. */
const names = [
  'sync_proxy_rules_duration_seconds',
  'sync_full_proxy_rules_duration_seconds',
  'sync_partial_proxy_rules_duration_seconds',
  'sync_proxy_rules_last_timestamp_seconds',
  'sync_proxy_rules_last_queued_timestamp_seconds',
  'network_programming_duration_seconds',
  'sync_proxy_rules_endpoint_changes_pending',
  'sync_proxy_rules_endpoint_changes_total',
  'sync_proxy_rules_service_changes_pending',
  'sync_proxy_rules_service_changes_total',
  'sync_proxy_rules_nftables_sync_failures_total',
  'sync_proxy_rules_nftables_cleanup_failures_total',
  'sync_proxy_rules_no_local_endpoints_total',
  'proxy_healthz_total',
  'proxy_livez_total',
  'conntrack_reconciler_sync_duration_seconds',
  'conntrack_reconciler_deleted_entries_total',
]

test("kube-proxy's names are all there", async () => {
  const { registry, metrics } = await open()
  metrics.queued('service')
  metrics.collecting()
  metrics.synced(result)
  metrics.answered('healthz', 200)
  metrics.answered('livez', 503)
  const { text } = await registry.expose()
  const missing = names.filter((name) => !text.includes(`# TYPE kubeproxy_${name} `))
  assert.deepEqual(missing, [])
  assert.match(
    text,
    /kubeproxy_sync_proxy_rules_no_local_endpoints_total\{ip_family="IPv4",traffic_policy="internal"\} 0/,
  )
  assert.match(text, /kubeproxy_conntrack_reconciler_deleted_entries_total\{ip_family="IPv4"\} 2/)
})
