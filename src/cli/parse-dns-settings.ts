/** The part `dns` of a cluster's configuration. */
import { parseIp } from '#lib/ip.ts'
import type { DnsSettings } from './cluster-record.ts'

export function parseDnsSettings(value: unknown, findings: string[]): DnsSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    findings.push('dns: must be a map')
    return {}
  }
  const { upstreams, stubDomains, endSearches, ...unknown } = value as Record<string, unknown>
  findings.push(...Object.keys(unknown).map((key) => `dns.${key}: unknown field`))
  if (endSearches !== undefined && typeof endSearches !== 'boolean') {
    findings.push('dns.endSearches: must be true or false')
  }
  if (upstreams !== undefined && !isServerList(upstreams)) {
    findings.push('dns.upstreams: must be a list of addresses, each with or without :port')
  }
  if (stubDomains !== undefined) checkStubDomains(stubDomains, findings)
  return value as DnsSettings
}

function checkStubDomains(value: unknown, findings: string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    findings.push('dns.stubDomains: must be a map from domain to a list of servers')
    return
  }
  for (const [domain, servers] of Object.entries(value)) {
    const path = `dns.stubDomains[${domain}]`
    if (!/^([a-z0-9_]([-a-z0-9_]*[a-z0-9])?\.?)+$/i.test(domain)) findings.push(`${path}: is not a domain`)
    if (!isServerList(servers)) {
      findings.push(`${path}: must be a list of addresses, each with or without :port`)
    }
  }
}

function isServerList(servers: unknown): boolean {
  return Array.isArray(servers) && servers.length > 0 && servers.every((server) => parseServer(String(server)))
}

export interface ServerAddress {
  readonly address: string
  readonly port: number
}

/** `10.0.0.1`, `10.0.0.1:5353`, `fd00::1`, `[fd00::1]:5353`. */
export function parseServer(text: string): ServerAddress | undefined {
  if (parseIp(text)) return { address: text, port: 53 }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? []
  const address = bracketed ?? plain
  const port = Number(digits)
  if (address === undefined || !parseIp(address) || port < 1 || port > 65_535) return undefined
  return { address, port }
}
