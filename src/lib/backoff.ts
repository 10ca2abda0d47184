/** How long to wait before trying again: doubling from a base up to a cap, spread by jitter. */
export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
  /** 0.5: the wait is drawn from 50 % to 100 % of its full length. 0: no spread. */
  readonly jitter?: number
}

/**
 * @param failures how many tries have failed in a row; 1 after the first failure
 * @param random a number in [0, 1)
 */
export function backoffMs(backoff: Backoff, failures: number, random: number): number {
  const full = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(failures - 1, 52))
  return full * (1 - (backoff.jitter ?? 0) * random)
}
