import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from '@kubernetes/client-node'
import { kinds } from './registry.ts'
import type { ArraySchema, MapSchema, ObjectSchema, Schema } from './schema.ts'

/** Fields of Kubernetes 1.36 that are deliberately not declared. */
const left: Readonly<Record<string, readonly string[]>> = {
  ObjectMeta: ['selfLink'],
  NodeSpec: ['configSource', 'externalID'],
  NodeStatus: ['config'],
  ContainerStatus: ['allocatedResourcesStatus'],
  PodSpec: ['schedulingGroup'],
  PodStatus: ['allocatedResources', 'extendedResourceClaimStatus', 'nodeAllocatableResourceClaimStatuses', 'resources'],
  VolumeProjection: ['podCertificate'],
  VolumeMountStatus: ['volumeStatus'],
}

/** Sources of volumes that live in clouds and clusters of their own. */
const kindsWithVolumes = ['Volume', 'PersistentVolumeSpec']

interface Model {
  getAttributeTypeMap(): { baseName: string }[]
}

/** The JavaScript client is generated from Kubernetes' own OpenAPI; some names carry their group. */
function modelOf(schema: ObjectSchema): Model | undefined {
  const [name = '', , group = ''] = schema.name.split('.').toReversed()
  const prefixed = `${group.charAt(0).toUpperCase()}${group.slice(1)}V1${name}`
  const models = client as unknown as Record<string, Model | undefined>
  return models[prefixed] ?? models[`V1${name}`]
}

const schemas = new Map<string, ObjectSchema>()
kinds.forEach((kind) => collect(kind.schema))

function collect(schema: Schema): void {
  if (schema.type === 'array') return collect((schema as ArraySchema).items)
  if (schema.type === 'map') return collect((schema as MapSchema).values)
  if (schema.type !== 'object') return
  const object = schema as ObjectSchema
  if (schemas.has(object.name)) return
  schemas.set(object.name, object)
  for (const field of Object.values(object.fields)) collect(field.schema)
}

for (const schema of schemas.values()) {
  test(`${schema.name} has the fields of Kubernetes 1.36`, () => {
    const model = modelOf(schema)
    assert.ok(model, 'no such type')
    const name = schema.name.split('.').at(-1) ?? ''
    const theirs = model.getAttributeTypeMap().map((attribute) => attribute.baseName)
    const ours = Object.keys(schema.fields)
    assert.deepEqual(
      ours.filter((field) => !theirs.includes(field)),
      [],
      'fields that do not exist',
    )
    if (kindsWithVolumes.includes(name)) return
    const missing = theirs.filter((field) => !ours.includes(field))
    assert.deepEqual(missing.toSorted(), left[name] ?? [], 'fields that are missing')
  })
}

test('no two fields of a message share a number', () => {
  for (const schema of schemas.values()) {
    const tags = Object.values(schema.fields)
      .filter((field) => field.tag !== 0)
      .map((field) => `${field.via ?? 0}.${field.tag}`)
    assert.equal(new Set(tags).size, tags.length, schema.name)
  }
})

test('keys of keyed lists are fields of their items', () => {
  for (const schema of schemas.values()) {
    for (const field of Object.values(schema.fields)) {
      if (field.schema.type !== 'array') continue
      const { list, items } = field.schema as ArraySchema
      const keys = [...(list.listMapKeys ?? []), ...(list.patchMergeKey ? [list.patchMergeKey] : [])]
      for (const key of keys) assert.ok(key in (items as ObjectSchema).fields, `${schema.name}: ${key}`)
    }
  }
})
