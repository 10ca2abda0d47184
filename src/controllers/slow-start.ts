/** Runs many calls in batches of 1, 2, 4, …: when everything fails, it fails after one call and not after 500. */

/** @returns how many succeeded, and the first failure, after which no further batch was started */
export async function slowStart(
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<{ succeeded: number; failure?: unknown }> {
  let succeeded = 0
  for (let start = 0, size = 1; start < count; start += size, size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - start) }, (_, offset) => call(start + offset))
    const results = await Promise.allSettled(batch)
    succeeded += results.filter(({ status }) => status === 'fulfilled').length
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) return { succeeded, failure: failed.reason }
  }
  return { succeeded }
}
