import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '#api/meta.ts'
import type { WatchEvent } from '#api/wire.ts'
import { InformerCache, keyOf, parseKey } from './informer-cache.ts'

const object = (key: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...parseKey(key), uid: key, resourceVersion },
})
const event = (type: WatchEvent['type'], key: string, rv: string): WatchEvent => ({ type, object: object(key, rv) })
const tell = (at: KubeObject | undefined) => (at ? `${keyOf(at.metadata)}@${at.metadata.resourceVersion}` : '-')

const cases: { name: string; list: string[]; events: WatchEvent[]; changes: string[]; holds: string[] }[] = [
  { name: 'an added object', list: [], events: [event('ADDED', 'a/x', '5')], changes: ['- > a/x@5'], holds: ['a/x@5'] },
  {
    name: 'a modified object',
    list: ['a/x@5'],
    events: [event('MODIFIED', 'a/x', '6')],
    changes: ['a/x@5 > a/x@6'],
    holds: ['a/x@6'],
  },
  {
    name: 'a deleted object: handlers get the state they know',
    list: ['a/x@5'],
    events: [event('DELETED', 'a/x', '7')],
    changes: ['a/x@5 > -'],
    holds: [],
  },
  { name: 'an event seen twice', list: ['a/x@5'], events: [event('ADDED', 'a/x', '5')], changes: [], holds: ['a/x@5'] },
  { name: 'deletion of the unknown', list: [], events: [event('DELETED', 'a/x', '7')], changes: [], holds: [] },
  {
    name: 'cluster-scoped objects',
    list: [],
    events: [event('ADDED', 'n1', '1')],
    changes: ['- > n1@1'],
    holds: ['n1@1'],
  },
]

const parse = (text: string) => object(text.split('@')[0]!, text.split('@')[1]!)

for (const { name, list, events, changes, holds } of cases) {
  test(`cache: ${name}`, () => {
    const cache = new InformerCache<KubeObject>()
    Array.from(cache.replace(list.map(parse)))
    const seen = events.flatMap((e) => [...cache.apply(e)]).map((c) => `${tell(c.before)} > ${tell(c.after)}`)
    assert.deepEqual(seen, changes)
    assert.deepEqual(cache.list().map(tell), holds)
  })
}

test('a relist becomes the differences', () => {
  const cache = new InformerCache<KubeObject>()
  Array.from(cache.replace(['a/gone@1', 'a/same@2', 'b/new@3'].map(parse)))
  const changes = [...cache.replace(['a/same@2', 'b/new@9', 'c/more@8'].map(parse))]
  assert.deepEqual(
    changes.map((c) => `${tell(c.before)} > ${tell(c.after)}`),
    ['a/gone@1 > -', 'b/new@3 > b/new@9', '- > c/more@8'],
  )
  assert.deepEqual(cache.list().map(tell), ['a/same@2', 'b/new@9', 'c/more@8'])
})

test('an object of the same name but another uid and equal version is a change', () => {
  const cache = new InformerCache<KubeObject>()
  Array.from(cache.replace([parse('a/x@1')]))
  const other = { ...parse('a/x@1'), metadata: { ...parse('a/x@1').metadata, uid: 'other' } }
  assert.equal([...cache.replace([other])].length, 1)
})

test('lists are per namespace and renewed after a change', () => {
  const cache = new InformerCache<KubeObject>()
  Array.from(cache.replace(['a/x@1', 'b/y@2'].map(parse)))
  const before = cache.list('a')
  assert.deepEqual(before.map(tell), ['a/x@1'])
  assert.equal(cache.list('a'), before, 'the same array while nothing changes')
  Array.from(cache.apply(event('ADDED', 'a/z', '3')))
  assert.deepEqual(cache.list('a').map(tell), ['a/x@1', 'a/z@3'])
  assert.deepEqual(cache.list().map(tell), ['a/x@1', 'a/z@3', 'b/y@2'])
  assert.deepEqual(cache.list('nowhere'), [])
  assert.equal(tell(cache.get({ namespace: 'b', name: 'y' })), 'b/y@2')
})
