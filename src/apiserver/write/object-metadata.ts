/** Metadata that only the server decides. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Finding, Kind } from '#api/kind.ts'
import type { KubeObject, ObjectMeta } from '#api/meta.ts'
import { badRequest } from '../api-errors.ts'

const nameCharacters = 'bcdfghjklmnpqrstvwxz2456789'
const longestGeneratedBase = 58

export function generateName(base: string): string {
  const suffix = Array.from({ length: 5 }, () => nameCharacters[randomInt(nameCharacters.length)]).join('')
  return base.slice(0, longestGeneratedBase) + suffix
}

/** RFC 3339 with seconds, as every time of metadata. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** Gives a new object its identity; whatever the client sent in these fields is dropped. */
export function stampNew(kind: Kind, object: KubeObject, nowMs: number): void {
  const { metadata } = object
  dropServerFields(metadata)
  metadata.uid = randomUUID()
  metadata.creationTimestamp = timestamp(nowMs)
  if (kind.hasGeneration) metadata.generation = 1
}

function dropServerFields(metadata: ObjectMeta): void {
  delete metadata.resourceVersion
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.generation
  delete metadata.managedFields
  delete (metadata as { selfLink?: string }).selfLink
}

/** Puts back what an update cannot change. */
export function keepServerFields(object: KubeObject, before: KubeObject): void {
  const { metadata } = object
  dropServerFields(metadata)
  const old = before.metadata
  if (old.uid !== undefined) metadata.uid = old.uid
  if (old.creationTimestamp !== undefined) metadata.creationTimestamp = old.creationTimestamp
  if (old.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.deletionTimestamp
  if (old.deletionGracePeriodSeconds !== undefined) {
    metadata.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds
  }
  if (old.generation !== undefined) metadata.generation = old.generation
  if (old.managedFields) metadata.managedFields = old.managedFields
  if (old.generateName !== undefined && metadata.generateName === undefined) metadata.generateName = old.generateName
  if (old.resourceVersion !== undefined) metadata.resourceVersion = old.resourceVersion
}

/** The namespace of the path goes into the object; a different one in the body is an error. */
export function placeObject(kind: Kind, object: KubeObject, namespace: string | undefined): void {
  const { metadata } = object
  if (!kind.namespaced) {
    delete metadata.namespace
    return
  }
  if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`)
  }
  if (namespace !== undefined) metadata.namespace = namespace
}

export function checkNameOfPath(object: KubeObject, name: string): void {
  const given = object.metadata.name ?? ''
  if (given === '') object.metadata.name = name
  else if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
  }
}

/** An object on its way out takes no new finalizers. */
export function checkFinalizers(object: KubeObject, before: KubeObject): Finding[] {
  if (before.metadata.deletionTimestamp === undefined) return []
  const old = new Set(before.metadata.finalizers)
  const added = (object.metadata.finalizers ?? []).filter((finalizer) => !old.has(finalizer))
  if (added.length === 0) return []
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
  return [{ field: 'metadata.finalizers', reason: 'FieldValueForbidden', message }]
}

/** Finalizers that keep the object, a Namespace's own included. */
export function finalizersOf(kind: Kind, object: KubeObject): readonly string[] {
  const own = object.metadata.finalizers ?? []
  if (kind.plural !== 'namespaces' || kind.group !== '') return own
  return [...own, ...((object as { spec?: { finalizers?: string[] } }).spec?.finalizers ?? [])]
}
