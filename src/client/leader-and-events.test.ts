import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Event } from '#api/event.ts'
import { Lease } from '#api/lease.ts'
import { openTestServer } from '#apiserver/open-test-server.ts'
import { createClient } from './create-client.ts'
import { inProcessTransport } from './in-process-transport.ts'
import { leadWithLease } from './lease-leader.ts'
import { recordEvents } from './record-events.ts'

const user = { name: 'test', groups: ['system:masters'] }
const lease = { namespace: 'kube-system', name: 'leader' }

async function openClient() {
  const server = await openTestServer()
  for (const name of ['default', 'kube-system']) await server.call('POST', '/api/v1/namespaces', { metadata: { name } })
  const client = createClient({ transport: inProcessTransport(server.api.handle, user), userAgent: 'test' })
  return { client, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** Time that passes only when everybody waits. */
function sharedTime() {
  let nowMs = 1_000_000
  const wait = async (ms: number, signal: AbortSignal) => {
    await new Promise((resolve) => setImmediate(resolve))
    if (!signal.aborted) nowMs += ms
  }
  return { nowMs: () => nowMs, wait }
}

test('one of two leads; the other takes over at once when the first gives the lease back', async () => {
  await using opened = await openClient()
  const { client } = opened
  const time = sharedTime()
  const terms: string[] = []
  let leading = 0
  const candidate = (identity: string, stop: AbortController) => {
    const lead = async (signal: AbortSignal) => {
      terms.push(identity)
      leading += 1
      assert.equal(leading, 1, 'never two at a time')
      if (terms.length === 2) stops.forEach((each) => each.abort())
      else queueMicrotask(() => stop.abort())
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        signal.addEventListener('abort', () => resolve())
      })
      leading -= 1
    }
    return leadWithLease({ client, lease, identity, ...time }, lead, stop.signal)
  }
  const stops = [new AbortController(), new AbortController()]
  await Promise.all([candidate('a', stops[0]!), candidate('b', stops[1]!)])
  assert.deepEqual(terms.toSorted(), ['a', 'b'])
  const left = await client.of(Lease).get(lease)
  assert.equal(left.spec.holderIdentity, undefined)
  assert.equal(left.spec.leaseTransitions, 1)
})

test('a leader whose lease was taken by force stops leading', async () => {
  await using opened = await openClient()
  const { client } = opened
  const stop = new AbortController()
  const lead = async (signal: AbortSignal) => {
    const current = await client.of(Lease).get(lease)
    const spec = { ...current.spec, holderIdentity: 'usurper', leaseDurationSeconds: 3600 }
    await client.of(Lease).update({ ...current, spec })
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    stop.abort()
  }
  await leadWithLease({ client, lease, identity: 'a', ...sharedTime() }, lead, stop.signal)
  assert.equal((await client.of(Lease).get(lease)).spec.holderIdentity, 'usurper')
})

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web', uid: 'u1' } }

test('events are written, repeats counted, and one that has gone is made again', async () => {
  await using opened = await openClient()
  const { client } = opened
  const record = recordEvents({ client, component: 'kubelet', host: 'n1' }, new AbortController().signal)
  for (let n = 0; n < 3; n++) record(pod, 'Warning', 'BackOff', 'Back-off restarting')
  record(pod, 'Normal', 'Started', 'Started container')
  await record.idle()
  const events = client.of(Event)
  const tell = async () =>
    (await events.list({ namespace: 'default' })).items.map(({ reason, count }) => `${reason} ${count}`).toSorted()
  assert.deepEqual(await tell(), ['BackOff 3', 'Started 1'])
  for (const { metadata } of (await events.list()).items)
    await events.delete({ namespace: 'default', name: metadata.name })
  record(pod, 'Warning', 'BackOff', 'Back-off restarting')
  await record.idle()
  assert.deepEqual(await tell(), ['BackOff 4'])
})

test('an event that cannot be written is logged and lost, nothing else', async () => {
  await using opened = await openClient()
  const warned: string[] = []
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: (_: object, message: string) => void warned.push(message),
    child: () => log,
  }
  const record = recordEvents({ client: opened.client, component: 'c', log }, new AbortController().signal)
  record({ ...pod, metadata: { ...pod.metadata, name: 'Not a name' } }, 'Normal', 'A', 'a')
  record(pod, 'Normal', 'B', 'b')
  await record.idle()
  assert.deepEqual(warned, ['cannot write an event'])
  assert.equal((await opened.client.of(Event).list()).items.length, 1)
})
