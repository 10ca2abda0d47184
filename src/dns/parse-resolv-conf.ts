/** The servers a resolv.conf names, in its order (resolv.conf(5)). */
import { formatIp, parseIp } from '#lib/ip.ts'

export interface Upstream {
  readonly address: string
  readonly port: number
}

export function parseResolvConf(text: string): Upstream[] {
  return text.split('\n').flatMap((line) => {
    const [keyword, value] = line.trim().split(/\s+/)
    if (keyword !== 'nameserver' || value === undefined) return []
    const percent = value.indexOf('%')
    const address = parseIp(percent < 0 ? value : value.slice(0, percent))
    if (!address) return []
    return [{ address: formatIp(address) + (percent < 0 ? '' : value.slice(percent)), port: 53 }]
  })
}

/** The last `search` or `domain` line counts. */
export function parseSearches(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/))
  const [, ...domains] = lines.findLast(([keyword]) => keyword === 'search' || keyword === 'domain') ?? []
  return domains
}
