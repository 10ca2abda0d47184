import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { array, field, int32, map, object, string } from '#api/schema.ts'
import { isFields } from './merge-patch.ts'
import { strategicMerge } from './strategic-merge.ts'

const item = object('test.Item', {
  name: field(1, string()),
  image: field(2, string()),
  args: field(3, array(string())),
})
const port = object('test.Port', {
  port: field(1, int32()),
  protocol: field(2, string(), { default: 'TCP' }),
  name: field(3, string()),
})
const schema = object('test.Thing', {
  labels: field(1, map(string())),
  items: field(2, array(item, { patchStrategy: 'merge', patchMergeKey: 'name' })),
  finalizers: field(3, array(string(), { patchStrategy: 'merge' })),
  words: field(4, array(string())),
  strategy: field(5, object('test.Strategy', { type: field(1, string()), rolling: field(2, map(string())) }), {
    patchStrategy: 'retainKeys',
  }),
  selector: field(6, map(string()), { patchStrategy: 'replace' }),
  ports: field(
    7,
    array(port, {
      listType: 'map',
      listMapKeys: ['port', 'protocol'],
      patchStrategy: 'merge',
      patchMergeKey: 'port',
    }),
  ),
})

interface Case {
  readonly from: object
  readonly patch: object
  readonly to?: object
  readonly error?: RegExp
}

const a = { name: 'a', image: '1' }
const b = { name: 'b', image: '1' }
const c = { name: 'c', image: '1' }

const tcp = { port: 53, protocol: 'TCP', name: 'tcp' }
const udp = { port: 53, protocol: 'UDP', name: 'udp' }

const cases: Record<string, Case> = {
  'a port changes its protocol': {
    from: { ports: [tcp] },
    patch: { ports: [{ port: 53, protocol: 'UDP' }] },
    to: { ports: [{ ...tcp, protocol: 'UDP' }] },
  },
  'the same number for another protocol comes beside one that the patch has too': {
    from: { ports: [tcp] },
    patch: { ports: [udp, tcp], '$setElementOrder/ports': [{ port: 53 }, { port: 53 }] },
    to: { ports: [tcp, udp] },
  },
  'of two ports with one number the one with the protocol is meant': {
    from: { ports: [udp, tcp] },
    patch: { ports: [{ port: 53, protocol: 'TCP', name: 'x' }] },
    to: { ports: [udp, { ...tcp, name: 'x' }] },
  },
  'no protocol means the default one': {
    from: { ports: [udp, tcp] },
    patch: { ports: [{ port: 53, name: 'x' }] },
    to: { ports: [udp, { ...tcp, name: 'x' }] },
  },
  'both are new': { from: {}, patch: { ports: [udp, tcp] }, to: { ports: [udp, tcp] } },
  'a deleted number goes with all its protocols': {
    from: { ports: [udp, tcp] },
    patch: { ports: [{ port: 53, $patch: 'delete' }] },
    to: { ports: [] },
  },
  'more items than the order names': {
    from: { ports: [tcp] },
    patch: { ports: [udp, tcp], '$setElementOrder/ports': [{ port: 53 }] },
    error: /doesn't match \$setElementOrder/,
  },
  'maps merge, null removes': {
    from: { labels: { x: '1', y: '1' } },
    patch: { labels: { x: null, z: '2' } },
    to: { labels: { y: '1', z: '2' } },
  },
  'null in a new subtree vanishes': { from: {}, patch: { labels: { x: null, y: '1' } }, to: { labels: { y: '1' } } },
  'a field with strategy replace is replaced': {
    from: { selector: { x: '1' } },
    patch: { selector: { y: '2' } },
    to: { selector: { y: '2' } },
  },
  'keyed lists merge by their key and append the rest': {
    from: { items: [a, b] },
    patch: { items: [{ name: 'b', image: '2' }, c] },
    to: { items: [a, { name: 'b', image: '2' }, c] },
  },
  'a keyed item needs its key': { from: { items: [a] }, patch: { items: [{ image: '2' }] }, error: /merge key: name/ },
  'lists inside items are replaced': {
    from: { items: [{ name: 'a', args: ['1', '2'] }] },
    patch: { items: [{ name: 'a', args: ['3'] }] },
    to: { items: [{ name: 'a', args: ['3'] }] },
  },
  'lists of scalars with strategy merge unite': {
    from: { finalizers: ['x', 'y'] },
    patch: { finalizers: ['y', 'z'] },
    to: { finalizers: ['x', 'y', 'z'] },
  },
  'other lists are replaced': { from: { words: ['x'] }, patch: { words: ['y'] }, to: { words: ['y'] } },
  '$patch: replace in a map takes the map as it is': {
    from: { labels: { x: '1' } },
    patch: { labels: { $patch: 'replace', y: '2' } },
    to: { labels: { y: '2' } },
  },
  '$patch: delete in a map removes the field': {
    from: { labels: { x: '1' } },
    patch: { labels: { $patch: 'delete' } },
    to: {},
  },
  '$patch: replace in a list takes the other items': {
    from: { items: [a, b] },
    patch: { items: [c, { $patch: 'replace' }] },
    to: { items: [c] },
  },
  '$patch: delete in a list removes the item': {
    from: { items: [a, b] },
    patch: { items: [{ name: 'a', $patch: 'delete' }] },
    to: { items: [b] },
  },
  '$patch: merge in a list is refused': {
    from: { items: [a] },
    patch: { items: [{ name: 'a', $patch: 'merge' }] },
    error: /special directive: merge/,
  },
  'an unknown directive is refused': { from: {}, patch: { $patch: 'nonsense' }, error: /special directive: nonsense/ },
  '$deleteFromPrimitiveList removes scalars': {
    from: { finalizers: ['x', 'y'] },
    patch: { '$deleteFromPrimitiveList/finalizers': ['x'] },
    to: { finalizers: ['y'] },
  },
  '$setElementOrder orders a merged list': {
    from: { items: [a, b] },
    patch: { '$setElementOrder/items': [{ name: 'c' }, { name: 'b' }, { name: 'a' }], items: [c] },
    to: { items: [c, b, a] },
  },
  'items that only the server has keep their place': {
    from: { items: [a, { name: 'server' }, b] },
    patch: { '$setElementOrder/items': [{ name: 'b' }, { name: 'c' }], items: [{ name: 'b', image: '2' }, c] },
    to: { items: [a, { name: 'server' }, { name: 'b', image: '2' }, c] },
  },
  '$setElementOrder alone reorders scalars': {
    from: { finalizers: ['x', 'y'] },
    patch: { '$setElementOrder/finalizers': ['y', 'x'] },
    to: { finalizers: ['y', 'x'] },
  },
  'patch items must follow $setElementOrder': {
    from: { items: [] },
    patch: { '$setElementOrder/items': [{ name: 'a' }, { name: 'b' }], items: [b, a] },
    error: /setElementOrder/,
  },
  '$retainKeys drops everything else': {
    from: { strategy: { type: 'RollingUpdate', rolling: { x: '1' } } },
    patch: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    to: { strategy: { type: 'Recreate' } },
  },
  'directives in new subtrees never survive': {
    from: {},
    patch: { strategy: { $retainKeys: ['type'], type: 'Recreate' }, items: [{ name: 'a', $patch: 'delete' }, b] },
    to: { strategy: { type: 'Recreate' }, items: [b] },
  },
  'a field that the schema does not have merges like a map': {
    from: { other: { x: 1 } },
    patch: { other: { y: 2 } },
    to: { other: { x: 1, y: 2 } },
  },
}

describe('strategic merge patch', () => {
  for (const [name, { from, patch, to, error }] of Object.entries(cases)) {
    test(name, () => {
      const before = structuredClone(from)
      const run = () => strategicMerge(schema, asFields(from), asFields(patch))
      if (error) assert.throws(run, error)
      else assert.deepEqual(run(), to)
      assert.deepEqual(from, before, 'the target is unchanged')
    })
  }
})

function asFields(value: object): Record<string, unknown> {
  assert.ok(isFields(value))
  return value
}
