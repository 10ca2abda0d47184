/** A second way into an informer's cache: objects by any text computed from them (owner, node, Service…). */
import type { KubeObject } from '#api/meta.ts'
import type { Informer } from '#client/contract.ts'
import { keyOf } from './object-key.ts'

export interface ObjectIndex<T> {
  /** Objects whose index values contain `value`, in the order in which they came. */
  get(value: string): readonly T[]
}

/** Register indexes before the handlers that read them: the informer calls both in order. */
export function indexObjects<T extends KubeObject>(
  informer: Informer<T>,
  valuesOf: (object: T) => readonly string[],
): ObjectIndex<T> {
  const byValue = new Map<string, Map<string, T>>()
  const remove = (object: T) => {
    for (const value of valuesOf(object)) {
      const bucket = byValue.get(value)
      bucket?.delete(keyOf(object))
      if (bucket?.size === 0) byValue.delete(value)
    }
  }
  const insert = (object: T) => {
    for (const value of valuesOf(object)) {
      const bucket = byValue.get(value) ?? new Map<string, T>()
      byValue.set(value, bucket.set(keyOf(object), object))
    }
  }
  informer.onChange(({ before, after }) => {
    if (before) remove(before)
    if (after) insert(after)
  })
  return { get: (value) => [...(byValue.get(value)?.values() ?? [])] }
}

/** Index values that let a label selector find its objects without walking the whole namespace. */
export function labelIndexValues(object: KubeObject): string[] {
  const { namespace = '', labels = {} } = object.metadata
  return Object.entries(labels).map(([key, value]) => labelIndexValue(namespace, key, value))
}

export function labelIndexValue(namespace: string, key: string, value: string): string {
  return `${namespace}\0${key}\0${value}`
}

/** The objects' controlling owner, for `indexObjects`. */
export function controllerIndexValues(object: KubeObject): string[] {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true)
  return owner ? [owner.uid] : []
}
