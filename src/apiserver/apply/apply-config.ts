/** Server-side apply as a value: live object and configuration in, new object and owners out, or conflicts. */
import type { KubeObject } from '#api/meta.ts'
import type { ObjectSchema } from '#api/schema.ts'
import { compareFields, fieldsOf } from './compare-fields.ts'
import { difference, emptySet, type FieldSet, intersection, isEmpty, pathsOf, union } from './field-set.ts'
import { isSameWriter, type Owner, ownersOf, tracked, withOwner, type Writer } from './managed-fields.ts'
import { mergeConfig, removeFields } from './merge-config.ts'

export interface Conflict {
  readonly owner: Owner
  readonly path: readonly string[]
}

export type Applied =
  | { readonly type: 'applied'; readonly object: KubeObject; readonly owners: readonly Owner[] }
  | { readonly type: 'conflicts'; readonly conflicts: readonly Conflict[] }

export interface ApplyRequest {
  readonly schema: ObjectSchema
  /** Absent when the object is created by this. */
  readonly live?: KubeObject
  /** Decoded, without defaults: what the client really said. */
  readonly config: KubeObject
  readonly writer: Writer
  /** Takes fields over from their owners. */
  readonly force: boolean
  readonly time: string
}

export function applyConfig(request: ApplyRequest): Applied {
  const { schema, live, config, writer, force, time } = request
  const said = tracked(fieldsOf(schema, config))
  if (!live) return { type: 'applied', object: config, owners: withOwner([], writer, said, time) }
  const owners = ownersBefore(schema, live, writer)
  const merged = mergeConfig(schema, live, config) as KubeObject
  const { changed } = compareFields(schema, live, merged)
  const others = owners.filter((owner) => !isSameWriter(owner, writer))
  const disputed = intersection(tracked(changed), said)
  const conflicts = conflictsOf(others, disputed)
  if (conflicts.length > 0 && !force) return { type: 'conflicts', conflicts }
  const remaining = others.map((owner) => ({ ...owner, fields: difference(owner.fields, disputed) }))
  const object = withoutForgotten(schema, merged, { owners, remaining, writer, said })
  const own = owners.filter((owner) => isSameWriter(owner, writer))
  return { type: 'applied', object, owners: withOwner([...remaining, ...own], writer, said, time) }
}

/** An object that nobody tracked until now belongs to whoever was there before. */
function ownersBefore(schema: ObjectSchema, live: KubeObject, { apiVersion }: Writer): Owner[] {
  const owners = ownersOf(live)
  if (owners.length > 0) return owners
  const fields = tracked(fieldsOf(schema, live))
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion, fields }]
}

function conflictsOf(others: readonly Owner[], disputed: FieldSet): Conflict[] {
  return others.flatMap((owner) =>
    Array.from(pathsOf(intersection(owner.fields, disputed)), (path) => ({ owner, path })),
  )
}

interface Ownership {
  readonly owners: readonly Owner[]
  readonly remaining: readonly Owner[]
  readonly writer: Writer
  readonly said: FieldSet
}

/** What this writer applied before and no longer says goes, unless somebody else owns it. */
function withoutForgotten(schema: ObjectSchema, merged: KubeObject, ownership: Ownership): KubeObject {
  const { owners, remaining, writer, said } = ownership
  const before = owners.find((owner) => isSameWriter(owner, writer))?.fields ?? emptySet
  const forgotten = difference(before, said)
  if (isEmpty(forgotten)) return merged
  const kept = remaining.reduce((all, { fields }) => union(all, fields), said)
  return removeFields(schema, merged, forgotten, kept) as KubeObject
}
