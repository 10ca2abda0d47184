/** Who owns which fields: `metadata.managedFields` as a list of owners, and what writes do to it. */
import type { KubeObject, ManagedFieldsEntry } from '#api/meta.ts'
import type { ObjectSchema } from '#api/schema.ts'
import { compareFields } from './compare-fields.ts'
import {
  decodeFields,
  difference,
  emptySet,
  encodeFields,
  type FieldSet,
  fieldSet,
  isEmpty,
  leaf,
  sameSet,
  union,
  withoutSubtrees,
} from './field-set.ts'

export interface Writer {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string
}

export interface Owner extends Writer {
  /** RFC 3339; when the set last changed. */
  readonly time?: string
  readonly fields: FieldSet
}

const mostUpdaters = 10

export function ownersOf({ metadata }: KubeObject): Owner[] {
  return (metadata.managedFields ?? []).map((entry) => ({
    manager: entry.manager ?? '',
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: entry.apiVersion ?? '',
    ...(entry.subresource && { subresource: entry.subresource }),
    ...(entry.time !== undefined && { time: entry.time }),
    fields: decodeFields(entry.fieldsV1 ?? {}),
  }))
}

export function entriesOf(owners: readonly Owner[]): ManagedFieldsEntry[] {
  const present = collapse(owners.filter(({ fields }) => !isEmpty(fields)))
  return present.sort(compareOwners).map(({ fields, ...owner }) => ({
    manager: owner.manager,
    operation: owner.operation,
    apiVersion: owner.apiVersion,
    ...(owner.time !== undefined && { time: owner.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: encodeFields(fields),
    ...(owner.subresource !== undefined && { subresource: owner.subresource }),
  }))
}

export function isSameWriter(a: Writer, b: Writer): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    (a.subresource ?? '') === (b.subresource ?? '')
  )
}

/** Gives `writer` these fields; the time moves only when they are others than before. */
export function withOwner(owners: readonly Owner[], writer: Writer, fields: FieldSet, time: string): Owner[] {
  const before = owners.find((owner) => isSameWriter(owner, writer))
  const others = owners.filter((owner) => owner !== before)
  if (before && sameSet(before.fields, fields)) return [...owners]
  return [...others, { ...writer, time, fields }]
}

/** A write that is no apply: what it changed or added is its own now, what it removed is nobody's. */
export function ownersAfterUpdate(
  schema: ObjectSchema,
  [before, after]: readonly [KubeObject, KubeObject],
  writer: Writer,
  time: string,
): Owner[] {
  const compared = compareFields(schema, before, after)
  const changed = tracked(compared.changed)
  const { removed } = compared
  const owners = ownersOf(before)
  if (isEmpty(changed) && isEmpty(removed)) return owners
  const own = owners.find((owner) => isSameWriter(owner, writer))?.fields ?? emptySet
  const rest = owners.map((owner) => ({
    ...owner,
    fields: isSameWriter(owner, writer) ? owner.fields : difference(difference(owner.fields, changed), removed),
  }))
  return withOwner(rest, writer, difference(union(own, changed), removed), time)
}

const untrackedMetadata = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
]

const untracked: FieldSet = fieldSet(false, [
  ['f:apiVersion', leaf],
  ['f:kind', leaf],
  [
    'f:metadata',
    fieldSet(
      false,
      untrackedMetadata.map((name) => [`f:${name}`, leaf] as const),
    ),
  ],
])

/** Without what nobody can own. */
export function tracked(fields: FieldSet): FieldSet {
  const rest = withoutSubtrees(fields, untracked)
  const metadata = rest.children.get('f:metadata')
  if (!metadata?.member) return rest
  return fieldSet(rest.member, [...rest.children, ['f:metadata', { ...metadata, member: false }]])
}

/** Too many updaters would grow the object without end: the oldest become one. */
function collapse(owners: Owner[]): Owner[] {
  const updaters = owners.filter(({ operation }) => operation === 'Update').sort(compareOwners)
  if (updaters.length <= mostUpdaters) return owners
  const old = updaters.slice(0, updaters.length - mostUpdaters + 1)
  const newest = old.at(-1)!
  const merged: Owner = {
    manager: 'ancient-changes',
    operation: 'Update',
    apiVersion: newest.apiVersion,
    ...(newest.time !== undefined && { time: newest.time }),
    fields: old.reduce((all, { fields }) => union(all, fields), emptySet),
  }
  return [...owners.filter((owner) => !old.includes(owner)), merged]
}

function compareOwners(a: Owner, b: Owner): number {
  const keys = (owner: Owner) => [
    owner.operation,
    owner.time ?? '',
    owner.manager,
    owner.apiVersion,
    owner.subresource ?? '',
  ]
  const [left, right] = [keys(a), keys(b)]
  const index = left.findIndex((part, at) => part !== right[at])
  return index < 0 ? 0 : left[index]! < right[index]! ? -1 : 1
}
