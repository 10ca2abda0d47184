/** What every component knows of the API: typed requests, informers, work queues. Implementations: see README.md. */
import type { Kind } from '#api/kind.ts'
import type { KubeList, KubeObject } from '#api/meta.ts'
import type { WatchEvent } from '#api/wire.ts'

export interface ListQuery {
  /** Absent: all namespaces (or a cluster-scoped kind). */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
}

export interface WatchQuery extends Omit<ListQuery, 'limit' | 'continue'> {
  readonly allowWatchBookmarks?: boolean
  readonly timeoutSeconds?: number
}

export interface ObjectRef {
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string
  readonly name: string
}

export interface DeleteQuery {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export type PatchType = 'merge' | 'strategic' | 'json'

/** A new object: the server fills in the rest of the metadata. */
export type Draft<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind'> & { apiVersion?: string; kind?: string }

/** Requests for one kind. Failures throw StatusError (`#api/status-error.ts`). Returned objects must not be changed. */
export interface ResourceClient<T extends KubeObject> {
  get(ref: ObjectRef): Promise<T>
  list(query?: ListQuery): Promise<KubeList<T>>
  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly WatchEvent<T>[]>
  /** The namespace comes from `object.metadata.namespace`. */
  create(object: Draft<T>): Promise<T>
  update(object: T): Promise<T>
  updateStatus(object: T): Promise<T>
  patch(ref: ObjectRef, type: PatchType, patch: unknown): Promise<T>
  patchStatus(ref: ObjectRef, type: PatchType, patch: unknown): Promise<T>
  delete(ref: ObjectRef, query?: DeleteQuery): Promise<void>
  /** POST to a subresource, for example `binding` or `eviction`. */
  createSubresource(ref: ObjectRef, subresource: string, body: object): Promise<unknown>
  /** PUT to a subresource, for example `finalize` of a Namespace. */
  updateSubresource(ref: ObjectRef, subresource: string, body: object): Promise<T>
}

export interface Client {
  of<T extends KubeObject>(kind: Kind<T>): ResourceClient<T>
  /** The same client under another `User-Agent`; it becomes the field manager and shows in the server's log. */
  named(component: string): Client
}

/** Read-only view of an informer's cache. Objects are shared: never change them. */
export interface Lister<T extends KubeObject> {
  get(ref: ObjectRef): T | undefined
  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[]
}

export interface ChangeHandler<T> {
  (change: { readonly before: T | undefined; readonly after: T | undefined }): void
}

/** A list-watch kept as a cache. Reconnects by itself; a relist turns into the differences. */
export interface Informer<T extends KubeObject> extends Lister<T>, AsyncDisposable {
  /** Resolves when the first list is complete in the cache and was handed to all handlers. */
  readonly synced: Promise<void>
  /** Calls back for everything already in the cache, then for every change, synchronously and in order. */
  onChange(handler: ChangeHandler<T>): void
}

export interface InformerOptions extends Pick<ListQuery, 'namespace' | 'labelSelector' | 'fieldSelector'> {
  /** Drop what nobody reads (for example managedFields) before caching. */
  readonly transform?: (object: never) => never
}

/** Writes an Event about an object; repeats within ten minutes raise `count`. Never throws, never blocks. */
export interface EventRecorder {
  (regarding: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void
}

/** Keys waiting for a reconciler. A key is handled by one worker at a time; adds during that time run it again. */
export interface WorkQueue {
  add(key: string): void
  addAfter(key: string, delayMs: number): void
  /** Resolves when nothing waits or runs (delayed keys not counted). For tests and settle(). */
  idle(): Promise<void>
}

/** Makes the world match for one key. A throw means "again, later" (exponential back-off); a return means done. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<void>
