/** Waiting for conditions. */
import { setTimeout as pause } from 'node:timers/promises'

const pollMs = 100

/** Asks until the answer is not undefined. What the last attempt threw becomes the cause of the failure. */
export async function waitFor<T>(what: string, probe: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const outcome = await attempt(probe)
    if (outcome.value !== undefined) return outcome.value
    if (performance.now() > deadline) {
      throw new Error(
        `waited ${timeoutMs} ms in vain for: ${what}${outcome.cause ? ` (${outcome.cause.message})` : ''}`,
        outcome,
      )
    }
    await pause(pollMs)
  }
}

async function attempt<T>(probe: () => Promise<T | undefined>): Promise<{ value?: T | undefined; cause?: Error }> {
  try {
    return { value: await probe() }
  } catch (cause) {
    return { cause: cause as Error }
  }
}

/** For probes that say yes or no. */
export const yes = (claim: boolean): true | undefined => (claim ? true : undefined)
