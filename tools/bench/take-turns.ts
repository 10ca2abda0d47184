/** How ways that are compared take turns, and how one turn is timed. */

/**
 * Who comes when in one round: another one begins each time, and every other round runs backwards, so that nobody always
 * follows the same one.
 */
export function turnsOf<Way>(ways: readonly Way[], round: number): Way[] {
  const first = round % ways.length
  const turns = [...ways.slice(first), ...ways.slice(0, first)]
  return round % 2 === 0 ? turns : turns.toReversed()
}

export function timed(work: () => void): { readonly seconds: number; readonly cpuMicros: number } {
  const before = process.cpuUsage()
  const begun = performance.now()
  work()
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(before)
  return { seconds, cpuMicros: user + system }
}
