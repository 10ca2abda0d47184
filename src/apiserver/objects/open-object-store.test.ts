import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigMap } from '#api/config-map.ts'
import type { KubeObject } from '#api/meta.ts'
import { Secret } from '#api/secret.ts'
import { silentLog } from '#observe/log.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import type { Store } from '#store/contract.ts'
import { openObjectStore } from './open-object-store.ts'

/** A store whose disk takes its time, and may refuse. */
function slowStore(disk: Promise<void>): Store {
  const store = openMemoryStore()
  return {
    ...store,
    put: async (key, value, expected, accepted) => {
      const entry = await store.get(key)
      if ((entry?.revision ?? 0) !== expected) return 'conflict'
      accepted?.((await store.currentRevision()) + 1)
      await disk
      return store.put(key, value, expected)
    },
  }
}

const object = (kind: string): KubeObject => ({ apiVersion: 'v1', kind, metadata: { name: 'a', namespace: 'default' } })
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function openListened(disk: Promise<void>) {
  const stop = new AbortController()
  const objects = await openObjectStore(slowStore(disk), silentLog, stop.signal)
  const heard: string[] = []
  objects.onUpcoming(ConfigMap, ({ metadata }, revision, settled) => {
    heard.push(`${metadata.name} coming at ${revision}`)
    settled.then(
      () => heard.push(`stored at ${String(objects.get(ConfigMap, 'default', 'a')?.metadata.resourceVersion)}`),
      (error: unknown) => heard.push(String(error)),
    )
  })
  return { objects, heard, [Symbol.dispose]: () => stop.abort() }
}

test('who listens hears of an object on its way to the disk, and when it is there', async () => {
  const { promise: disk, resolve: take } = Promise.withResolvers<void>()
  using listened = await openListened(disk)
  const { objects, heard } = listened
  const other = objects.create(Secret, object('Secret'))
  const created = objects.create(ConfigMap, object('ConfigMap'))
  await turn()
  assert.deepEqual(heard, ['a coming at 2'], 'of its kind only')
  assert.equal(objects.get(ConfigMap, 'default', 'a'), undefined)
  take()
  await Promise.all([created, other])
  await turn()
  assert.equal(heard.length, 2)
  assert.match(heard[1]!, /^stored at [23]$/)
})

test('who listens hears that it was not stored, and nothing of a conflict', async () => {
  const { promise: disk, reject: refuse } = Promise.withResolvers<void>()
  using listened = await openListened(disk)
  const { objects, heard } = listened
  const stale = { ...object('ConfigMap'), metadata: { ...object('ConfigMap').metadata, resourceVersion: '7' } }
  assert.equal(await objects.replace(ConfigMap, stale as ConfigMap, stale as ConfigMap), 'conflict')
  const created = objects.create(ConfigMap, object('ConfigMap'))
  await turn()
  refuse(new Error('disk full'))
  await assert.rejects(created, /disk full/)
  await turn()
  assert.deepEqual(heard, ['a coming at 2', 'Error: disk full'])
})
