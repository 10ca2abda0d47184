import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { silentLog } from '#observe/log.ts'
import { storeConformance } from '../conformance.ts'
import { CompactedError } from '../contract.ts'
import { openSqliteStore } from './open-sqlite-store.ts'

let directory = ''
let files = 0
const newPath = () => join(directory, `${++files}.sqlite`)

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'frontdesk-store-'))
})
after(() => rm(directory, { recursive: true }))

storeConformance('sqlite', (limits) => openSqliteStore({ path: newPath(), log: silentLog, ...(limits && { limits }) }))

describe('sqlite store, closed and opened again', () => {
  test('has every entry and goes on counting', async () => {
    const path = newPath()
    {
      await using store = await openSqliteStore({ path, log: silentLog })
      await store.put('/a/1', 'one', 0)
      await store.put('/a/2', 'two', 0)
      await store.delete('/a/2', 3)
    }
    await using store = await openSqliteStore({ path, log: silentLog })
    assert.equal(await store.currentRevision(), 4)
    assert.deepEqual((await store.list('/')).entries, [{ key: '/a/1', value: 'one', revision: 2 }])
    assert.equal(await store.put('/a/2', 'again', 0), 5)
  })

  test('tells a watch from before that its history is gone', async () => {
    const path = newPath()
    {
      await using store = await openSqliteStore({ path, log: silentLog })
      await store.put('/a/1', 'one', 0)
    }
    await using store = await openSqliteStore({ path, log: silentLog })
    const events = store.watch('/a/', 1, AbortSignal.timeout(5000))[Symbol.asyncIterator]()
    await assert.rejects(events.next(), CompactedError)
  })

  test('writes under way when it is closed are kept', async () => {
    const path = newPath()
    const store = await openSqliteStore({ path, log: silentLog })
    const writes = Array.from({ length: 30 }, (_, n) => store.put(`/a/${n}`, '{}', 0))
    await store[Symbol.asyncDispose]()
    await Promise.all(writes)
    await using again = await openSqliteStore({ path, log: silentLog })
    assert.equal((await again.list('/a/')).entries.length, 30)
  })

  test('a second opener is refused with a reason', async () => {
    const path = newPath()
    await using _store = await openSqliteStore({ path, log: silentLog })
    await assert.rejects(openSqliteStore({ path, log: silentLog }), /Cannot open the store .*locked/)
  })

  test('a write is accepted before it is on disk', async () => {
    await using store = await openSqliteStore({ path: newPath(), log: silentLog })
    const { promise: accepted, resolve } = Promise.withResolvers<number>()
    const written = store.put('/a/1', '1', 0, resolve)
    assert.equal(await accepted, 2)
    assert.deepEqual([await store.get('/a/1'), await store.currentRevision()], [undefined, 1])
    assert.equal(await written, 2)
  })

  test('writing after closing fails', async () => {
    const store = await openSqliteStore({ path: newPath(), log: silentLog })
    await store[Symbol.asyncDispose]()
    await assert.rejects(store.put('/a/1', '1', 0), /it is closed/)
  })
})
