/** All DNS names of one Service, below its own name, with their records. */
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import { formatIp, parseIp } from '#lib/ip.ts'
import type { RecordData } from './message.ts'

export interface ServiceNames {
  /** Keyed by what stands before the Service's name: '' is the Service itself. An empty list: exists, without data. */
  readonly names: ReadonlyMap<string, readonly RecordData[]>
  /** The labels of the endpoints with an address. */
  readonly labelsOf: ReadonlyMap<string, readonly string[]>
}

/** `fullName` is `name.namespace.svc.domain`. Behaviour: DNS specification 1.1.0, and CoreDNS where that is silent. */
export function renderServiceNames(fullName: string, service: Service, slices: Iterable<EndpointSlice>): ServiceNames {
  const names = new NameTable(fullName)
  const { spec } = service
  if (spec.type === 'ExternalName') {
    // an address is no name that a CNAME could point at
    const target = spec.externalName?.replace(/\.$/, '')
    if (target && !parseIp(target)) names.add('', { type: 'CNAME', target })
    return names.finish()
  }
  const isHeadless = spec.clusterIP === 'None'
  if (!isHeadless) addClusterIps(names, service)
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready !== false) addEndpoint(names, { slice, endpoint, isHeadless })
    }
  }
  return names.finish()
}

function addClusterIps(names: NameTable, { spec }: Service): void {
  const addresses = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  if (addresses.length === 0 || !spec.ports?.length) return
  for (const address of addresses) names.addAddress('', address)
  for (const port of spec.ports) names.addPort({ ...port, at: '', target: '' })
}

interface ReadyEndpoint {
  readonly slice: EndpointSlice
  readonly endpoint: Endpoint
  readonly isHeadless: boolean
}

function addEndpoint(names: NameTable, { slice, endpoint, isHeadless }: ReadyEndpoint): void {
  for (const address of endpoint.addresses) {
    const parsed = parseIp(address)
    if (!parsed) continue
    const ip = formatIp(parsed)
    const label = endpoint.hostname || dashedLabel(ip)
    names.addLabel(ip, label)
    names.addAddress(label, ip)
    if (isHeadless) names.addAddress('', ip)
    for (const { name, protocol, port } of slice.ports ?? []) {
      if (port === undefined) continue
      const target = { ...(name !== undefined && { name }), ...(protocol !== undefined && { protocol }), port }
      names.addPort({ ...target, at: label, target: label, isUnlisted: true })
      if (isHeadless) names.addPort({ ...target, at: '', target: label })
    }
  }
}

/** `172-17-0-3`; `2001-db8--3`; a label may not end with a dash, so `fd00::` is `fd00--0`. */
export function dashedLabel(ip: string): string {
  const dashed = ip.replace(/[.:]/g, '-')
  return dashed.endsWith('-') ? `${dashed}0` : dashed
}

interface PortName {
  readonly name?: string
  readonly protocol?: string
  readonly port: number
  readonly at: string
  readonly target: string
  /** No `_port._protocol` name of the Service leads here. */
  readonly isUnlisted?: boolean
}

interface Target {
  readonly port: number
  readonly target: string
}

/** Collects names; the same record twice (an endpoint in two slices, two families of one host) is one. */
class NameTable {
  readonly #fullName: string
  readonly #addresses = new Map<string, Map<string, RecordData>>()
  readonly #targets = new Map<string, Map<string, Target>>()
  readonly #labels = new Map<string, Set<string>>()

  constructor(fullName: string) {
    this.#fullName = fullName
  }

  add(at: string, data: RecordData & { type: 'CNAME' }): void {
    inner(this.#addresses, at).set(data.target, data)
  }

  addAddress(at: string, text: string): void {
    const address = parseIp(text)
    if (!address) return
    inner(this.#addresses, at).set(text, { type: address.family === 'IPv4' ? 'A' : 'AAAA', address: text })
  }

  addLabel(ip: string, label: string): void {
    const labels = this.#labels.get(ip)
    if (labels) labels.add(label)
    else this.#labels.set(ip, new Set([label]))
  }

  addPort({ name, protocol = 'TCP', port, at, target, isUnlisted = false }: PortName): void {
    const key = `${port} ${target}`
    inner(this.#targets, at).set(key, { port, target })
    if (!name || isUnlisted) return
    const transport = `_${protocol.toLowerCase()}`
    inner(this.#targets, `_${name}.${transport}`).set(key, { port, target })
    // a name below it exists, so it exists too (RFC 8020)
    inner(this.#targets, transport)
  }

  finish(): ServiceNames {
    const names = new Map<string, RecordData[]>()
    for (const [at, records] of this.#addresses) names.set(at, [...records.values()])
    for (const [at, targets] of this.#targets) {
      const weight = Math.max(1, Math.floor(100 / targets.size))
      const records = [...targets.values()].map(({ port, target }): RecordData => ({
        type: 'SRV',
        priority: 0,
        weight,
        port,
        target: target === '' ? this.#fullName : `${target}.${this.#fullName}`,
      }))
      names.set(at, [...(names.get(at) ?? []), ...records])
    }
    return { names, labelsOf: new Map([...this.#labels].map(([ip, labels]) => [ip, [...labels]])) }
  }
}

function inner<V>(table: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const found = table.get(key)
  if (found) return found
  const made = new Map<string, V>()
  table.set(key, made)
  return made
}
