import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deferMetrics } from './defer-metrics.ts'
import { openMetrics } from './metrics.ts'

test('deferred metrics: what is told before and after the library is there adds up', async () => {
  const metrics = deferMetrics(openMetrics)
  const counter = metrics.counter('a_total', 'A', ['x'])
  const histogram = metrics.histogram('b_seconds', 'B', { buckets: [1] })
  metrics.beforeExpose(() => metrics.gauge('c', 'C').set(7))
  counter.add(1, { x: 'y' })
  histogram.observe(0.5)
  await metrics.open()
  counter.add(2, { x: 'y' })
  histogram.observe(2)
  const { text } = await metrics.expose()
  assert.match(text, /^a_total\{x="y"\} 3$/m)
  assert.match(text, /^b_seconds_bucket\{le="1"\} 1$/m)
  assert.match(text, /^b_seconds_count 2$/m)
  assert.match(text, /^c 7$/m)
})

test('deferred metrics: a scrape loads the library, once', async () => {
  let loaded = 0
  const metrics = deferMetrics(() => {
    loaded++
    return openMetrics()
  })
  metrics.counter('a_total', 'A').add(1)
  const texts = await Promise.all([metrics.expose(), metrics.expose(), metrics.open()])
  assert.match(texts[0].text, /^a_total 1$/m)
  assert.equal(loaded, 1)
})
