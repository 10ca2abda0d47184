/** How long an informer waits before it asks again, from what went wrong so far. */
import { isExpired, StatusError } from '#api/status-error.ts'
import { backoffMs } from '#lib/backoff.ts'

/** A server that says no is left alone longer and longer. */
const refused = { baseMs: 100, maxMs: 30_000, jitter: 0.5 }
/** One that is not there comes back at any moment, and until then what is cached grows old. */
const unreachable = { baseMs: 100, maxMs: 1_000, jitter: 0.5 }

export class InformerRetries {
  #failures = 0
  #hasRelisted = false

  /** In a row. */
  get failures(): number {
    return this.#failures
  }

  /** A watch has brought something, or has lasted: what was before does not count any more. */
  forget(): void {
    this.#failures = 0
    this.#hasRelisted = false
  }

  /**
   * Milliseconds. A version that is too old (every server has forgotten the past when it starts) means a new list at
   * once, whatever failed before; only when its watch finds the new version too old as well, it waits like the rest.
   */
  afterFailure(error: unknown, random: number): number {
    if (isExpired(error) && !this.#hasRelisted) {
      this.#hasRelisted = true
      return 0
    }
    this.#failures += 1
    return backoffMs(error instanceof StatusError ? refused : unreachable, this.#failures, random)
  }
}
