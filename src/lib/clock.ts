/** Time as an argument, so that tests can own it. */
export interface Clock {
  /** Unix time in milliseconds. */
  readonly nowMs: () => number
}

export const systemClock: Clock = { nowMs: () => Date.now() }
