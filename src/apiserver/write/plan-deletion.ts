/** What a delete request does to an object: remove it now, or mark it and leave the rest to those who hold it. */
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { copyJson } from '#lib/copy-json.ts'
import { finalizersOf, timestamp } from './object-metadata.ts'

export interface DeleteOptions {
  readonly dryRun: boolean
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export type DeletionPlan =
  | { readonly type: 'remove' }
  | { readonly type: 'mark'; readonly object: KubeObject }
  /** It is already on its way out and nothing new was asked. */
  | { readonly type: 'nothing' }

const orphan = 'orphan'
const foreground = 'foregroundDeletion'

export function planDeletion(kind: Kind, object: KubeObject, options: DeleteOptions, nowMs: number): DeletionPlan {
  const finalizers = propagationFinalizers(object, options.propagationPolicy)
  const graceSeconds = graceOf(kind, object, options)
  const held =
    graceSeconds > 0 ||
    finalizers.length > 0 ||
    finalizersOf(kind, { ...object, metadata: { ...object.metadata, finalizers: [] } }).length > 0
  if (!held) return { type: 'remove' }
  const marked = mark(object, graceSeconds, nowMs)
  if (sameList(finalizers, object.metadata.finalizers ?? []) && !marked) return { type: 'nothing' }
  return { type: 'mark', object: withPhase(kind, withFinalizers(marked ?? copyJson(object), finalizers)) }
}

/** Default is Background; without a policy the finalizers that are there decide. */
function propagationFinalizers(object: KubeObject, policy: DeleteOptions['propagationPolicy']): readonly string[] {
  const current = object.metadata.finalizers ?? []
  if (policy === undefined) return current
  const others = current.filter((finalizer) => finalizer !== orphan && finalizer !== foreground)
  if (policy === 'Orphan') return [...others, orphan]
  return policy === 'Foreground' ? [...others, foreground] : others
}

/** Only Pods end gracefully; everything else is free to go at once. */
function graceOf(kind: Kind, object: KubeObject, options: DeleteOptions): number {
  if (kind.group !== '' || kind.plural !== 'pods') return 0
  const pod = object as KubeObject & {
    spec?: { nodeName?: string; terminationGracePeriodSeconds?: number }
    status?: { phase?: string }
  }
  const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  if (finished || (pod.spec?.nodeName ?? '') === '') return 0
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata
  const asked = options.gracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30
  const seconds = asked < 0 ? 1 : asked
  // A later request can only shorten what is under way, and one without a wish leaves it.
  if (deletionTimestamp === undefined) return seconds
  return options.gracePeriodSeconds === undefined
    ? deletionGracePeriodSeconds
    : Math.min(seconds, deletionGracePeriodSeconds)
}

/** @returns the marked copy; undefined when the object is already marked with this grace period */
function mark(object: KubeObject, graceSeconds: number, nowMs: number): KubeObject | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds: before = 0 } = object.metadata
  if (deletionTimestamp !== undefined && before === graceSeconds) return undefined
  const startedMs = deletionTimestamp === undefined ? nowMs : Date.parse(deletionTimestamp) - before * 1000
  const marked = copyJson(object)
  marked.metadata.deletionTimestamp = timestamp(startedMs + graceSeconds * 1000)
  marked.metadata.deletionGracePeriodSeconds = graceSeconds
  if (marked.metadata.generation !== undefined) marked.metadata.generation++
  return marked
}

function withFinalizers(object: KubeObject, finalizers: readonly string[]): KubeObject {
  if (finalizers.length > 0) object.metadata.finalizers = [...finalizers]
  else delete object.metadata.finalizers
  return object
}

function withPhase(kind: Kind, object: KubeObject): KubeObject {
  if (kind.group !== '' || kind.plural !== 'namespaces') return object
  const namespace = object as KubeObject & { status?: { phase?: string } }
  namespace.status = { ...namespace.status, phase: 'Terminating' }
  return namespace
}

const sameList = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((item, index) => item === b[index])
