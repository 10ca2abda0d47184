import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventAggregator } from './plan-event.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'a', name: 'web', uid: 'u1', resourceVersion: '4' },
}
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'n1' } }
const minute = 60_000
const occurrence = (changes: object) => ({
  regarding: pod,
  type: 'Warning' as const,
  reason: 'BackOff',
  message: 'Back-off restarting',
  atMs: Date.UTC(2026, 0, 1),
  ...changes,
})

const cases: { name: string; second: object; expected: string }[] = [
  {
    name: 'the same again within ten minutes',
    second: { atMs: Date.UTC(2026, 0, 1) + 9 * minute },
    expected: 'patch 2',
  },
  { name: 'the same again much later', second: { atMs: Date.UTC(2026, 0, 1) + 11 * minute }, expected: 'create 1' },
  { name: 'another message', second: { message: 'other' }, expected: 'create 1' },
  { name: 'another reason', second: { reason: 'Other' }, expected: 'create 1' },
  { name: 'another object', second: { regarding: node }, expected: 'create 1' },
  {
    name: 'a new object of the same name',
    second: { regarding: { ...pod, metadata: { ...pod.metadata, uid: 'u2' } } },
    expected: 'create 1',
  },
]
for (const { name, second, expected } of cases) {
  test(`event: ${name}`, () => {
    const aggregator = new EventAggregator({ component: 'kubelet', host: 'n1' })
    aggregator.plan(occurrence({}))
    const plan = aggregator.plan(occurrence(second))
    const count = plan.action === 'create' ? plan.event.count : plan.patch.count
    assert.equal(`${plan.action} ${count}`, expected)
  })
}

test('event: all fields', () => {
  const plan = new EventAggregator({ component: 'kubelet', host: 'n1' }).plan(occurrence({}))
  assert.ok(plan.action === 'create')
  const { metadata, ...rest } = plan.event
  assert.equal(metadata.namespace, 'a')
  assert.match(metadata.name, /^web\.[0-9a-f]{16}$/)
  assert.deepEqual(rest, {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'a', name: 'web', uid: 'u1', resourceVersion: '4' },
    type: 'Warning',
    reason: 'BackOff',
    message: 'Back-off restarting',
    source: { component: 'kubelet', host: 'n1' },
    reportingComponent: 'kubelet',
    reportingInstance: 'n1',
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
  })
})

test('event: about a cluster-scoped object it stands in namespace default; names differ at one instant', () => {
  const aggregator = new EventAggregator({ component: 'c' })
  const plans = ['one', 'two'].map((message) => aggregator.plan(occurrence({ regarding: node, message })))
  const names = plans.map((plan) => plan.action === 'create' && plan.event.metadata)
  assert.equal(names[0] && names[0].namespace, 'default')
  assert.notDeepEqual(names[0], names[1])
})
