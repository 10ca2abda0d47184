import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KubeObject } from '#api/meta.ts'
import { kindSchema } from '#api/meta-schema.ts'
import { array, field, map, object, string } from '#api/schema.ts'
import { applyConfig } from './apply-config.ts'
import { formatPath } from './field-set.ts'
import { entriesOf, ownersAfterUpdate, type Writer } from './managed-fields.ts'

const port = object('test.Port', {
  port: field(1, string()),
  protocol: field(2, string(), { default: 'TCP' }),
  name: field(3, string()),
})
const schema = kindSchema('test.Thing', {
  data: field(2, map(string())),
  ports: field(3, array(port, { listType: 'map', listMapKeys: ['port', 'protocol'] })),
  words: field(4, array(string(), { listType: 'set' })),
  args: field(5, array(string())),
  selector: field(6, map(string(), 'atomic')),
})

type Fields = Record<string, unknown>

const thing = (fields: Fields): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a' }, ...fields }) as KubeObject
const writer = (manager: string, operation: Writer['operation'] = 'Apply'): Writer => ({
  manager,
  operation,
  apiVersion: 'v1',
})

/** A step: who does what; an apply unless it is an update. */
type Step = { by: string; apply: Fields; force?: boolean } | { by: string; update: Fields }

interface Case {
  readonly steps: readonly Step[]
  /** Fields of the object after the last step. */
  readonly object?: Fields
  readonly conflicts?: readonly string[]
  /** FieldsV1 by manager. */
  readonly owners?: Record<string, unknown>
}

const cases: Record<string, Case> = {
  'an apply owns what it says': {
    steps: [{ by: 'a', apply: { data: { x: '1' } } }],
    object: { data: { x: '1' } },
    owners: { a: { 'f:data': { 'f:x': {} } } },
  },
  'two managers own different keys': {
    steps: [
      { by: 'a', apply: { data: { x: '1' } } },
      { by: 'b', apply: { data: { y: '2' } } },
    ],
    object: { data: { x: '1', y: '2' } },
    owners: { a: { 'f:data': { 'f:x': {} } }, b: { 'f:data': { 'f:y': {} } } },
  },
  'the same value is shared': {
    steps: [
      { by: 'a', apply: { data: { x: '1' } } },
      { by: 'b', apply: { data: { x: '1' } } },
    ],
    owners: { a: { 'f:data': { 'f:x': {} } }, b: { 'f:data': { 'f:x': {} } } },
  },
  'another value conflicts': {
    steps: [
      { by: 'a', apply: { data: { x: '1' } } },
      { by: 'b', apply: { data: { x: '2' } } },
    ],
    conflicts: ['a .data.x'],
  },
  'force takes the field': {
    steps: [
      { by: 'a', apply: { data: { x: '1', y: '1' } } },
      { by: 'b', apply: { data: { x: '2' } }, force: true },
    ],
    object: { data: { x: '2', y: '1' } },
    owners: { a: { 'f:data': { 'f:y': {} } }, b: { 'f:data': { 'f:x': {} } } },
  },
  'what is no longer said goes': {
    steps: [
      { by: 'a', apply: { data: { x: '1', y: '1' } } },
      { by: 'a', apply: { data: { x: '1' } } },
    ],
    object: { data: { x: '1' } },
  },
  'what is no longer said stays when somebody else owns it': {
    steps: [
      { by: 'a', apply: { data: { x: '1', y: '1' } } },
      { by: 'b', apply: { data: { y: '1' } } },
      { by: 'a', apply: { data: { x: '1' } } },
    ],
    object: { data: { x: '1', y: '1' } },
  },
  'keyed items merge, with defaults in their keys': {
    steps: [
      { by: 'a', apply: { ports: [{ port: '80', name: 'http' }] } },
      { by: 'b', apply: { ports: [{ port: '53', protocol: 'UDP' }] } },
    ],
    object: {
      ports: [
        { port: '80', name: 'http' },
        { port: '53', protocol: 'UDP' },
      ],
    },
    owners: {
      a: { 'f:ports': { 'k:{"port":"80","protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } },
      b: { 'f:ports': { 'k:{"port":"53","protocol":"UDP"}': { '.': {}, 'f:port': {}, 'f:protocol': {} } } },
    },
  },
  'an item goes when its only owner leaves it out': {
    steps: [
      { by: 'a', apply: { ports: [{ port: '80' }, { port: '81' }] } },
      { by: 'b', apply: { ports: [{ port: '82' }] } },
      { by: 'a', apply: { ports: [{ port: '81' }] } },
    ],
    object: { ports: [{ port: '81' }, { port: '82' }] },
  },
  'an item of a keyed list conflicts by field': {
    steps: [
      { by: 'a', apply: { ports: [{ port: '80', name: 'x' }] } },
      { by: 'b', apply: { ports: [{ port: '80', name: 'y' }] } },
    ],
    conflicts: ['a .ports[port="80",protocol="TCP"].name'],
  },
  'sets unite': {
    steps: [
      { by: 'a', apply: { words: ['x'] } },
      { by: 'b', apply: { words: ['y', 'x'] } },
    ],
    object: { words: ['x', 'y'] },
  },
  'atomic lists and maps have one owner': {
    steps: [
      { by: 'a', apply: { args: ['1'], selector: { x: '1' } } },
      { by: 'b', apply: { args: ['2'], selector: { y: '1' } } },
    ],
    conflicts: ['a .args', 'a .selector'],
  },
  'an update takes what it changes': {
    steps: [
      { by: 'a', apply: { data: { x: '1', y: '1' } } },
      { by: 'u', update: { data: { x: '2', y: '1' } } },
    ],
    owners: { a: { 'f:data': { 'f:y': {} } }, u: { 'f:data': { 'f:x': {} } } },
  },
  'an apply against an update conflicts': {
    steps: [
      { by: 'a', apply: { data: { x: '1' } } },
      { by: 'u', update: { data: { x: '2' } } },
      { by: 'a', apply: { data: { x: '1' } } },
    ],
    conflicts: ['u .data.x'],
  },
  "what an update removes is nobody's": {
    steps: [
      { by: 'a', apply: { data: { x: '1', y: '1' } } },
      { by: 'u', update: { data: { x: '1' } } },
    ],
    owners: { a: { 'f:data': { 'f:x': {} } } },
  },
  'an object from before belongs to before-first-apply': {
    steps: [
      { by: '', update: { data: { x: '1' } } },
      { by: 'a', apply: { data: { x: '2' } } },
    ],
    conflicts: ['before-first-apply .data.x'],
  },
}

describe('server-side apply', () => {
  for (const [name, { steps, object: expected, conflicts = [], owners }] of Object.entries(cases)) {
    test(name, () => {
      const result = run(steps)
      assert.deepEqual(result.conflicts, conflicts)
      if (expected)
        assert.deepEqual({ ...result.live, metadata: undefined }, { ...thing(expected), metadata: undefined })
      if (owners) {
        const entries = (result.live?.metadata.managedFields ?? []).map((entry) => [entry.manager, entry.fieldsV1])
        assert.deepEqual(Object.fromEntries(entries), owners)
      }
    })
  }
})

function run(steps: readonly Step[]): { live: KubeObject | undefined; conflicts: string[] } {
  let live: KubeObject | undefined
  for (const [index, step] of steps.entries()) {
    const time = `2026-01-01T00:00:0${index}Z`
    if ('update' in step) {
      const after: KubeObject = thing(step.update)
      if (live) {
        const owners = ownersAfterUpdate(schema, [live, after], writer(step.by, 'Update'), time)
        after.metadata.managedFields = entriesOf(owners)
      }
      live = after
      continue
    }
    const request = { schema, config: thing(step.apply), writer: writer(step.by), force: step.force ?? false, time }
    const applied = applyConfig({ ...request, ...(live && { live }) })
    if (applied.type === 'conflicts') {
      return { live, conflicts: applied.conflicts.map(({ owner, path }) => `${owner.manager} ${formatPath(path)}`) }
    }
    live = structuredClone(applied.object)
    live.metadata.managedFields = entriesOf(applied.owners)
  }
  return { live, conflicts: [] }
}
