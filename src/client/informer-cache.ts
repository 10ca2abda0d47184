/** The objects of one kind as an informer knows them, and how lists and events turn into changes. No input, no output. */
import type { KubeObject } from '#api/meta.ts'
import type { WatchEvent } from '#api/wire.ts'
import type { Lister, ObjectRef } from './contract.ts'

export interface Change<T> {
  readonly before: T | undefined
  readonly after: T | undefined
}

/** `namespace/name`, or the name alone for cluster-scoped objects. */
export function keyOf(ref: ObjectRef): string {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name
}

export function parseKey(key: string): { readonly namespace?: string; readonly name: string } {
  const slash = key.indexOf('/')
  return slash === -1 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

export class InformerCache<T extends KubeObject> implements Lister<T> {
  readonly #byNamespace = new Map<string, Map<string, T>>()
  /** Arrays handed out by `list`, until something in them changes. */
  readonly #lists = new Map<string | undefined, readonly T[]>()

  get(ref: ObjectRef): T | undefined {
    return this.#byNamespace.get(ref.namespace ?? '')?.get(ref.name)
  }

  list(namespace?: string): readonly T[] {
    let list = this.#lists.get(namespace)
    if (!list) {
      list = [...this.#objects(namespace)]
      this.#lists.set(namespace, list)
    }
    return list
  }

  *#objects(namespace: string | undefined): Generator<T> {
    if (namespace !== undefined) {
      yield* this.#byNamespace.get(namespace)?.values() ?? []
      return
    }
    for (const objects of this.#byNamespace.values()) yield* objects.values()
  }

  /** Makes the cache equal to a complete list and yields how it differed, each change right after it took place. */
  *replace(items: readonly T[]): Generator<Change<T>> {
    const listed = new Set(items.map((item) => keyOf(item.metadata)))
    for (const before of this.list()) {
      if (!listed.has(keyOf(before.metadata))) yield* this.#remove(before)
    }
    for (const item of items) yield* this.#store(item)
  }

  *apply(event: WatchEvent<T>): Generator<Change<T>> {
    if (event.type === 'ADDED' || event.type === 'MODIFIED') yield* this.#store(event.object)
    if (event.type === 'DELETED') yield* this.#remove(event.object)
  }

  *#store(after: T): Generator<Change<T>> {
    const namespace = after.metadata.namespace ?? ''
    let objects = this.#byNamespace.get(namespace)
    if (!objects) this.#byNamespace.set(namespace, (objects = new Map()))
    const before = objects.get(after.metadata.name)
    if (before !== undefined && isSame(before, after)) return
    objects.set(after.metadata.name, after)
    this.#forgetLists(namespace)
    yield { before, after }
  }

  /** `before` of the change is the last state that handlers were told. */
  *#remove(last: T): Generator<Change<T>> {
    const namespace = last.metadata.namespace ?? ''
    const objects = this.#byNamespace.get(namespace)
    const before = objects?.get(last.metadata.name)
    if (!objects || before === undefined) return
    objects.delete(last.metadata.name)
    if (objects.size === 0) this.#byNamespace.delete(namespace)
    this.#forgetLists(namespace)
    yield { before, after: undefined }
  }

  #forgetLists(namespace: string): void {
    this.#lists.delete(undefined)
    this.#lists.delete(namespace)
  }
}

const isSame = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.resourceVersion !== undefined &&
  a.metadata.resourceVersion === b.metadata.resourceVersion &&
  a.metadata.uid === b.metadata.uid
