/** What every transport promises, as a suite: in-process and HTTPS must not be told apart by their users. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ConfigMap } from '#api/config-map.ts'
import { Namespace } from '#api/namespace.ts'
import { isAlreadyExists, isConflict, isExpired, isInvalid, isNotFound, StatusError } from '#api/status-error.ts'
import type { WatchEvent } from '#api/wire.ts'
import type { Client, ResourceClient } from './contract.ts'
import { createClient } from './create-client.ts'
import { startInformer } from './start-informer.ts'
import type { Transport } from './transport.ts'

export interface TransportUnderTest {
  readonly transport: Transport
  /** User agents of the requests that have reached the server. */
  readonly userAgents: ReadonlySet<string | undefined>
  /** Of the server. */
  readonly dispose: () => Promise<void>
}

type Maps = ResourceClient<ConfigMap>
interface Subject extends TransportUnderTest {
  readonly client: Client
  readonly maps: Maps
  /** A new one for each case. */
  readonly namespace: string
}

const draft = (namespace: string, name: string, data: Record<string, string> = {}) => ({
  metadata: { namespace, name },
  data,
})

const refIn = (namespace: string, name: string) => ({ namespace, name })

const cases: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  'creates, reads, changes and removes': async ({ maps, namespace }) => {
    const created = await maps.create(draft(namespace, 'a', { k: '1' }))
    assert.deepEqual(await maps.get(refIn(namespace, 'a')), created)
    const updated = await maps.update({ ...created, data: { k: '2' } })
    assert.notEqual(updated.metadata.resourceVersion, created.metadata.resourceVersion)
    const patched = await maps.patch(refIn(namespace, 'a'), 'merge', { data: { k: null, l: 'é€😀' } })
    assert.deepEqual(patched.data, { l: 'é€😀' })
    await maps.delete(refIn(namespace, 'a'))
    await assert.rejects(maps.get(refIn(namespace, 'a')), isNotFound)
  },
  'patches of every type': async ({ maps, namespace }) => {
    await maps.create(draft(namespace, 'a', { k: '1' }))
    await maps.patch(refIn(namespace, 'a'), 'strategic', { data: { l: '2' } })
    const patched = await maps.patch(refIn(namespace, 'a'), 'json', [{ op: 'remove', path: '/data/k' }])
    assert.deepEqual(patched.data, { l: '2' })
  },
  'failures are StatusErrors with the server’s own Status': async ({ maps, namespace }) => {
    const created = await maps.create(draft(namespace, 'a'))
    await assert.rejects(maps.create(draft(namespace, 'a')), isAlreadyExists)
    await maps.update({ ...created, data: { k: '1' } })
    await assert.rejects(maps.update({ ...created, data: { k: '2' } }), isConflict)
    await assert.rejects(maps.create(draft(namespace, 'Not A Name')), isInvalid)
    const missing = await maps.get(refIn(namespace, 'missing')).catch((error: unknown) => error)
    assert.ok(missing instanceof StatusError)
    assert.deepEqual(missing.status, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'configmaps "missing" not found',
      reason: 'NotFound',
      details: { name: 'missing', kind: 'configmaps' },
      code: 404,
    })
  },
  'a path that nobody serves is NotFound': async ({ client }) => {
    const unknown = { ...ConfigMap, plural: 'nonsenses' }
    await assert.rejects(client.of(unknown).list(), isNotFound)
  },
  'deletes under a precondition': async ({ maps, namespace }) => {
    await maps.create(draft(namespace, 'a'))
    await assert.rejects(maps.delete(refIn(namespace, 'a'), { preconditions: { uid: 'other' } }), isConflict)
    await maps.get(refIn(namespace, 'a'))
  },
  'lists with selectors and pages': async ({ maps, namespace }) => {
    for (const name of ['a', 'b', 'c']) {
      await maps.create({
        ...draft(namespace, name),
        metadata: { namespace, name, labels: { odd: String(name !== 'b') } },
      })
    }
    const labelled = await maps.list({ namespace, labelSelector: 'odd in (true, yes)' })
    assert.deepEqual(
      labelled.items.map((item) => item.metadata.name),
      ['a', 'c'],
    )
    assert.equal(labelled.items[0]?.kind, 'ConfigMap')
    const named = await maps.list({ namespace, fieldSelector: 'metadata.name=b' })
    assert.deepEqual(
      named.items.map((item) => item.metadata.name),
      ['b'],
    )
    const first = await maps.list({ namespace, limit: 2 })
    assert.equal(first.items.length, 2)
    const second = await maps.list({ namespace, limit: 2, continue: first.metadata.continue! })
    assert.deepEqual(
      second.items.map((item) => item.metadata.name),
      ['c'],
    )
  },
  'a named client sends its own user agent': async ({ client, namespace, userAgents }) => {
    await client.named('my-controller').of(ConfigMap).list({ namespace })
    assert.ok(userAgents.has('my-controller'))
  },
  'a watch gives everything after its version, in order': async ({ maps, namespace }) => {
    const list = await maps.list({ namespace })
    const stop = new AbortController()
    const seen: string[] = []
    const watching = collect(maps, namespace, list.metadata.resourceVersion!, seen, stop)
    const created = await maps.create(draft(namespace, 'a', { text: 'x'.repeat(100_000) }))
    await maps.update({ ...created, data: { k: '2' } })
    await maps.create(draft(namespace, 'b'))
    await maps.delete(refIn(namespace, 'a'))
    await watching
    assert.deepEqual(seen, ['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a'])
  },
  'a watch ends when its signal aborts, without an error': async ({ maps, namespace }) => {
    const stop = new AbortController()
    const events: WatchEvent<ConfigMap>[] = []
    const running = (async () => {
      for await (const batch of maps.watch({ namespace }, stop.signal)) {
        events.push(...batch)
        stop.abort()
      }
    })()
    await maps.create(draft(namespace, 'a'))
    await running
    assert.ok(events.length > 0)
    for await (const _ of maps.watch({ namespace }, stop.signal)) assert.fail('an aborted watch gives nothing')
  },
  'a watch that its consumer leaves is closed': async ({ maps, namespace }) => {
    await maps.create(draft(namespace, 'a'))
    for await (const batch of maps.watch({ namespace }, new AbortController().signal)) {
      assert.ok(batch.length > 0)
      break
    }
  },
  'a watch from a version before the history throws Expired': async ({ maps, namespace }) => {
    for (let n = 0; n < 3; n++) await maps.create(draft(namespace, `a${n}`))
    let failure: unknown
    try {
      for await (const _ of maps.watch({ namespace, resourceVersion: '1' }, new AbortController().signal)) break
    } catch (error) {
      failure = error
    }
    // A young server may still have its whole history.
    assert.ok(failure === undefined || isExpired(failure))
  },
  'a watch of what nobody serves throws': async ({ client }) => {
    const unknown = { ...ConfigMap, plural: 'nonsenses' }
    const watch = async () => {
      for await (const _ of client.of(unknown).watch({}, new AbortController().signal)) return
    }
    await assert.rejects(watch(), isNotFound)
  },
  'an informer follows': async ({ client, maps, namespace }) => {
    await maps.create(draft(namespace, 'a'))
    await using informer = startInformer(client, ConfigMap, { namespace }, new AbortController().signal)
    await informer.synced
    assert.equal(informer.get(refIn(namespace, 'a'))?.metadata.name, 'a')
    const appeared = Promise.withResolvers<void>()
    informer.onChange(({ after }) => after?.metadata.name === 'b' && appeared.resolve())
    await maps.create(draft(namespace, 'b'))
    await appeared.promise
    assert.equal(informer.get(refIn(namespace, 'b'))?.kind, 'ConfigMap')
  },
  'many requests at once': async ({ maps, namespace }) => {
    await Promise.all(Array.from({ length: 200 }, (_, n) => maps.create(draft(namespace, `m${n}`))))
    assert.equal(
      (await maps.list({ namespace })).items.filter(({ metadata }) => /^m\d/.test(metadata.name)).length,
      200,
    )
  },
}

/** @param open a transport to a server of its own */
export function checkTransport(name: string, open: () => Promise<TransportUnderTest>): void {
  void describe(`transport: ${name}`, () => {
    let subject: TransportUnderTest
    before(async () => {
      subject = await open()
    })
    after(async () => {
      await subject.transport[Symbol.asyncDispose]()
      await subject.dispose()
    })
    for (const [index, [title, run]] of Object.entries(cases).entries()) {
      void test(title, async () => {
        const client = createClient({ transport: subject.transport, userAgent: 'conformance' })
        const namespace = `case-${index}`
        await client.of(Namespace).create({ metadata: { name: namespace }, spec: {} })
        await run({ ...subject, client, maps: client.of(ConfigMap), namespace })
      })
    }
  })
}

async function collect(maps: Maps, namespace: string, resourceVersion: string, seen: string[], stop: AbortController) {
  for await (const batch of maps.watch({ namespace, resourceVersion }, stop.signal)) {
    seen.push(...batch.map(({ type, object }) => `${type} ${object.metadata.name}`))
    if (seen.at(-1)?.startsWith('DELETED')) stop.abort()
  }
}
