/** Stub domains: names below some domains are asked of servers of their own, the rest of the host's. */
import { lowerName } from './message.ts'
import type { Upstream } from './parse-resolv-conf.ts'

/** By domain; the longest that fits counts. The empty one is every domain. */
export type StubDomains = Readonly<Record<string, readonly Upstream[]>>

export function selectUpstreams(
  stubDomains: StubDomains,
  others: () => readonly Upstream[],
): (name: string) => readonly Upstream[] {
  const stubs = Object.entries(stubDomains)
    .map(([domain, servers]) => ({ domain: lowerName(domain).replace(/\.$/, ''), servers }))
    .toSorted((a, b) => b.domain.length - a.domain.length)
  return (name) =>
    stubs.find(({ domain }) => domain === '' || name === domain || name.endsWith(`.${domain}`))?.servers ?? others()
}
