import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expireEvents } from './expire-events.ts'
import { openTestServer } from './open-test-server.ts'

test('an event goes an hour after it was last seen', async () => {
  await using server = await openTestServer()
  const events = '/api/v1/namespaces/default/events'
  const regarding = { kind: 'Pod', namespace: 'default', name: 'p' }
  const old = { metadata: { name: 'old', namespace: 'default' }, involvedObject: regarding }
  const repeated = {
    ...old,
    metadata: { name: 'repeated', namespace: 'default' },
    lastTimestamp: '2026-01-02T04:00:00Z',
  }
  for (const event of [old, repeated]) {
    const { status, object } = await server.call('POST', events, event)
    assert.equal(status, 201, JSON.stringify(object))
  }
  server.clock.move(61 * 60_000)
  await expireEvents(server.api.objects, server.clock.nowMs())
  const { object } = await server.call('GET', events)
  assert.deepEqual(
    object.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['repeated'],
  )
})
