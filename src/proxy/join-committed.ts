/** Several proxies of one node speak with one voice: routes are in its kernel when they are in all of their tables. */

/** One publisher for each of `count` proxies; `publish` hears of a version once all have it. */
export function joinCommitted(publish: (version: number) => void, count: number): ((version: number) => void)[] {
  const versions = Array.from({ length: count }, () => -1)
  let published = -1
  return versions.map((_, index) => (version: number) => {
    versions[index] = version
    const common = Math.min(...versions)
    if (common <= published) return
    published = common
    publish(common)
  })
}
