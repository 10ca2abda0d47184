/** What every store promises, as a suite that each implementation runs. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CompactedError, type Store, type StoreEvent } from './contract.ts'
import type { HistoryLimits } from './timeline.ts'

/** `open` gives an empty store; with `limits`, one whose history is that short. */
export type OpenEmpty = (limits?: HistoryLimits) => Promise<Store>

export function storeConformance(name: string, open: OpenEmpty): void {
  describe(`store: ${name}`, () => {
    for (const [title, body] of Object.entries({ ...writeCases, ...commitCases, ...listCases, ...watchCases })) {
      test(title, async () => {
        await using store = await open()
        await body(store)
      })
    }
    test('forgets old history, and says so to watches and lists', async () => {
      await using store = await open({ events: 4, characters: 1 << 20 })
      for (let n = 0; n < 20; n++) await store.put(`/a/${n}`, '{}', 0)
      await assert.rejects(take(store.watch('/a/', 1, AbortSignal.timeout(5000)), 1), CompactedError)
      await assert.rejects(store.list('/a/', { revision: 2 }), CompactedError)
    })
  })
}

type Case = (store: Store) => Promise<void>

const writeCases: Record<string, Case> = {
  'an empty store is at revision 1': async (store) => {
    assert.equal(await store.currentRevision(), 1)
    assert.equal(await store.get('/a/x'), undefined)
  },
  'a created entry is read back with its revision': async (store) => {
    const revision = await store.put('/a/x', '{"n":1}', 0)
    assert.equal(revision, 2)
    assert.deepEqual(await store.get('/a/x'), { key: '/a/x', value: '{"n":1}', revision })
    assert.equal(await store.currentRevision(), revision)
  },
  'creating what exists conflicts': async (store) => {
    await store.put('/a/x', '{}', 0)
    assert.equal(await store.put('/a/x', '{}', 0), 'conflict')
  },
  'updating with a stale revision conflicts and changes nothing': async (store) => {
    const first = numberOf(await store.put('/a/x', '1', 0))
    const second = numberOf(await store.put('/a/x', '2', first))
    assert.equal(await store.put('/a/x', '3', first), 'conflict')
    assert.deepEqual(await store.get('/a/x'), { key: '/a/x', value: '2', revision: second })
  },
  'updating what does not exist conflicts': async (store) => {
    assert.equal(await store.put('/a/x', '1', 7), 'conflict')
  },
  'deleting needs the right revision': async (store) => {
    const revision = numberOf(await store.put('/a/x', '1', 0))
    assert.equal(await store.delete('/a/x', revision + 1), 'conflict')
    assert.equal(await store.delete('/a/x', revision), revision + 1)
    assert.equal(await store.get('/a/x'), undefined)
    assert.equal(await store.delete('/a/x', 0), 'conflict')
  },
  'a deleted key can be created again at a newer revision': async (store) => {
    const first = numberOf(await store.put('/a/x', '1', 0))
    const deleted = numberOf(await store.delete('/a/x', first))
    const again = numberOf(await store.put('/a/x', '2', 0))
    assert.ok(again > deleted)
  },
  'who writes hears of the revision before the write is there, and not at all of a conflict': async (store) => {
    const heard: string[] = []
    const accepted = (revision: number) => heard.push(`accepted ${revision}`)
    heard.push(`written ${await store.put('/a/x', '1', 0, accepted)}`)
    assert.equal(await store.put('/a/x', '2', 0, accepted), 'conflict')
    assert.deepEqual(heard, ['accepted 2', 'written 2'])
  },
  'of many writers with the same expectation exactly one wins': async (store) => {
    const revision = numberOf(await store.put('/a/x', '0', 0))
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.put('/a/x', String(n), revision)))
    assert.equal(results.filter((result) => result !== 'conflict').length, 1)
  },
  'concurrent writes of different keys get different revisions': async (store) => {
    const results = await Promise.all(Array.from({ length: 50 }, (_, n) => store.put(`/a/${n}`, '{}', 0)))
    assert.equal(new Set(results).size, 50)
    assert.equal(await store.currentRevision(), 51)
  },
}

const commitCases: Record<string, Case> = {
  'changes that are made together get revisions in order, and one batch': async (store) => {
    const [first, second] = [numberOf(await store.put('/a/1', 'one', 0)), numberOf(await store.put('/a/2', 'two', 0))]
    const batch = store.watch('/a/', second, AbortSignal.timeout(5000))[Symbol.asyncIterator]().next()
    const changes = [
      { key: '/a/3', value: 'three', expected: 0 },
      { key: '/a/1', value: 'uno', expected: first },
      { key: '/a/2', expected: second },
    ]
    assert.deepEqual(await store.commit(changes), [4, 5, 6])
    assert.deepEqual(
      (await batch).value.map(({ type, key, revision }: StoreEvent) => [type, key, revision]),
      [
        ['put', '/a/3', 4],
        ['put', '/a/1', 5],
        ['delete', '/a/2', 6],
      ],
    )
    assert.deepEqual(keysOf((await store.list('/a/')).entries), ['/a/1', '/a/3'])
  },
  'of changes that are made together none is made when one conflicts': async (store) => {
    const stale = numberOf(await store.put('/a/1', 'one', 0))
    const current = numberOf(await store.put('/a/1', 'uno', stale))
    const added = { key: '/a/2', value: 'two', expected: 0 }
    assert.equal(await store.commit([added, { key: '/a/1', value: 'eins', expected: stale }]), 'conflict')
    assert.equal(await store.commit([added, { key: '/a/3', expected: 0 }]), 'conflict')
    assert.deepEqual((await store.list('/a/')).entries, [{ key: '/a/1', value: 'uno', revision: current }])
  },
  'of many who change one key beside one of their own exactly one wins': async (store) => {
    const revision = numberOf(await store.put('/a/shared', '0', 0))
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.commit([
          { key: `/b/${n}`, value: '{}', expected: 0 },
          { key: '/a/shared', value: String(n), expected: revision },
        ]),
      ),
    )
    assert.equal(results.filter((result) => result !== 'conflict').length, 1)
    assert.equal((await store.list('/b/')).entries.length, 1)
  },
}

const listCases: Record<string, Case> = {
  'a list has only its prefix, in key order': async (store) => {
    for (const key of ['/b/1', '/a/c', '/a/a', '/ab', '/a/b']) await store.put(key, '{}', 0)
    const { entries, revision, remaining } = await store.list('/a/')
    assert.deepEqual(keysOf(entries), ['/a/a', '/a/b', '/a/c'])
    assert.equal(revision, 6)
    assert.equal(remaining, 0)
  },
  'a limited list says how many are left, and goes on after the last key': async (store) => {
    for (const key of ['/a/1', '/a/2', '/a/3', '/a/4', '/a/5']) await store.put(key, '{}', 0)
    const first = await store.list('/a/', { limit: 2 })
    assert.deepEqual([keysOf(first.entries), first.remaining], [['/a/1', '/a/2'], 3])
    const second = await store.list('/a/', { limit: 2, after: '/a/2' })
    assert.deepEqual([keysOf(second.entries), second.remaining], [['/a/3', '/a/4'], 1])
    const last = await store.list('/a/', { after: '/a/4' })
    assert.deepEqual(keysOf(last.entries), ['/a/5'])
  },
  'a list at an older revision shows what was there then': async (store) => {
    const first = numberOf(await store.put('/a/1', 'old', 0))
    const second = numberOf(await store.put('/a/2', 'two', 0))
    await store.put('/a/1', 'new', first)
    await store.put('/a/3', 'three', 0)
    await store.delete('/a/2', second)
    const then = await store.list('/a/', { revision: second })
    assert.equal(then.revision, second)
    assert.deepEqual(then.entries, [
      { key: '/a/1', value: 'old', revision: first },
      { key: '/a/2', value: 'two', revision: second },
    ])
  },
}

const watchCases: Record<string, Case> = {
  'a watch from the past gets every later event in order, with values before and after': async (store) => {
    const created = numberOf(await store.put('/a/1', 'one', 0))
    const changed = numberOf(await store.put('/a/1', 'uno', created))
    await store.put('/b/1', 'elsewhere', 0)
    const deleted = numberOf(await store.delete('/a/1', changed))
    assert.deepEqual((await take(store.watch('/a/', 1, AbortSignal.timeout(5000)), 3)).map(plain), [
      { type: 'put', key: '/a/1', revision: created, value: 'one' },
      { type: 'put', key: '/a/1', revision: changed, value: 'uno', previous: 'one' },
      { type: 'delete', key: '/a/1', revision: deleted, previous: 'uno' },
    ])
  },
  'a watch from a revision gets only what is newer': async (store) => {
    await store.put('/a/1', '1', 0)
    const second = numberOf(await store.put('/a/2', '2', 0))
    await store.put('/a/3', '3', 0)
    const events = await take(store.watch('/a/', second, AbortSignal.timeout(5000)), 1)
    assert.deepEqual(
      events.map((event) => event.key),
      ['/a/3'],
    )
  },
  'a waiting watch wakes for later writes, none lost and none twice': async (store) => {
    const taken = take(store.watch('/a/', 1, AbortSignal.timeout(5000)), 100)
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.put(`/a/${n}`, '{}', 0)))
    const revisions = (await taken).map((event) => event.revision)
    assert.deepEqual(
      revisions,
      Array.from({ length: 100 }, (_, n) => n + 2),
    )
  },
  'a watch ends when its signal aborts': async (store) => {
    const controller = new AbortController()
    const taken = take(store.watch('/a/', 1, controller.signal), 1)
    controller.abort()
    assert.deepEqual(await taken, [])
  },
  'an event is only seen once its value can be read': async (store) => {
    const events = take(store.watch('/a/', 1, AbortSignal.timeout(5000)), 1)
    const write = store.put('/a/1', 'x', 0)
    await events
    assert.equal((await store.get('/a/1'))?.value, 'x')
    await write
  },
}

async function take(events: AsyncIterable<readonly StoreEvent[]>, count: number): Promise<StoreEvent[]> {
  const taken: StoreEvent[] = []
  for await (const batch of events) {
    taken.push(...batch)
    if (taken.length >= count) break
  }
  return taken
}

const plain = ({ type, key, revision, value, previous }: StoreEvent) => ({
  type,
  key,
  revision,
  ...(value !== undefined && { value }),
  ...(previous !== undefined && { previous }),
})

const keysOf = (entries: readonly { readonly key: string }[]) => entries.map((entry) => entry.key)

function numberOf(result: number | 'conflict'): number {
  if (result === 'conflict') throw new Error('unexpected conflict')
  return result
}
