import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from './metrics.ts'
import { serveHealth } from './serve-health.ts'

test('metrics: counters, gauges and histograms in Prometheus’ words', async () => {
  const metrics = await openMetrics()
  metrics.counter('syncs_total', 'Syncs.', ['result']).add(2, { result: 'ok' })
  metrics.counter('syncs_total', 'Syncs.', ['result']).add(1, { result: 'ok' })
  metrics.gauge('services', 'Services.').set(7)
  const histogram = metrics.histogram('sync_seconds', 'Duration.', { buckets: [0.1, 1] })
  for (const value of [0.05, 0.5, 5]) histogram.observe(value)
  const { text, contentType } = await metrics.expose()
  assert.match(contentType, /^text\/plain/)
  const lines = text.split('\n')
  for (const line of [
    '# TYPE syncs_total counter',
    'syncs_total{result="ok"} 3',
    'services 7',
    'sync_seconds_bucket{le="0.1"} 1',
    'sync_seconds_bucket{le="1"} 2',
    'sync_seconds_bucket{le="+Inf"} 3',
    'sync_seconds_count 3',
  ])
    assert.ok(lines.includes(line), `${line} is not in\n${text}`)
})

test('health: ready follows the checks, alive does not', async () => {
  let problem: string | undefined = 'not synced'
  const metrics = await openMetrics()
  const checks = { ping: () => undefined, routes: () => problem }
  await using server = await serveHealth(
    { place: { host: '127.0.0.1', port: 0 }, checks, metrics },
    new AbortController().signal,
  )
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { connection: 'close' } })
    return [answer.status, await answer.text()]
  }
  assert.deepEqual(await get('/livez'), [200, 'ok'])
  assert.deepEqual(await get('/readyz'), [503, '[+]ping ok\n[-]routes failed: not synced\nreadyz check failed\n'])
  problem = undefined
  assert.deepEqual(await get('/healthz'), [200, 'ok'])
  assert.deepEqual(await get('/readyz?verbose'), [200, '[+]ping ok\n[+]routes ok\nreadyz check passed\n'])
  assert.equal((await get('/metrics'))[0], 200)
  assert.equal((await get('/other'))[0], 404)
})
