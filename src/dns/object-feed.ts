/** The newest state of objects, put or taken away one by one, as the changes that an engine takes. */
import type { ZoneEvent } from './engine.ts'
import type { ZoneObjects } from './select-zone-fields.ts'

export interface ObjectRef {
  readonly name: string
  readonly namespace?: string | undefined
}

/** Saying the same again is no change. */
export type FeedItem = {
  [K in keyof ZoneObjects]: { readonly kind: K; readonly ref: ObjectRef; readonly object: ZoneObjects[K] | undefined }
}[keyof ZoneObjects]

export class ObjectFeed {
  readonly #held = new Map<string, FeedItem['object']>()
  readonly #apply: (event: ZoneEvent) => void

  constructor(apply: (event: ZoneEvent) => void) {
    this.#apply = apply
  }

  take({ kind, ref, object: after }: FeedItem): void {
    const key = `${kind} ${ref.namespace ?? ''}/${ref.name}`
    const before = this.#held.get(key)
    if (after) this.#held.set(key, after)
    else this.#held.delete(key)
    if (before || after) this.#apply({ kind, change: { before, after } } as ZoneEvent)
  }
}
