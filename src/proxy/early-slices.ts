/**
 * EndpointSlices that are routed while they are still on their way to the disk: what is made of them follows from pods that
 * are stored already, or can be undone. What the API server shows later is told from them by its version.
 */
import { sliceVersion } from '#api/committed-routes.ts'
import type { EndpointSlice } from '#api/endpoint-slice.ts'

export interface SliceChange {
  readonly before: EndpointSlice | undefined
  readonly after: EndpointSlice | undefined
}

interface Early {
  readonly slice: EndpointSlice
  readonly version: number
}

export class EarlySlices {
  readonly #early = new Map<string, Early>()

  /** @param version that it will be stored at */
  give(slice: EndpointSlice, version: number): void {
    this.#early.set(keyOf(slice), { slice, version })
  }

  /** Whether this change, which comes from what is stored, is older than what was given early, or just that. */
  covers({ before, after }: SliceChange): boolean {
    const key = keyOf((after ?? before)!)
    const early = this.#early.get(key)
    if (!early) return false
    if (!after || sliceVersion(after) < early.version) return true
    this.#early.delete(key)
    return after === early.slice
  }

  /** To be called when it is stored, or will never be. @returns whether it had not been heard of from what is stored */
  takeBack(slice: EndpointSlice): boolean {
    const key = keyOf(slice)
    return this.#early.get(key)?.slice === slice && this.#early.delete(key)
  }
}

const keyOf = ({ metadata: { namespace, name } }: EndpointSlice): string => `${namespace}/${name}`
