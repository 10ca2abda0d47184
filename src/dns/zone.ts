/**
 * The cluster's zone as an index in memory: objects go in as they change, names are looked up. No clock of its own
 * beyond the one given, no input or output; an answer is as new as the last change handed in.
 */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Namespace } from '#api/namespace.ts'
import type { Service } from '#api/service.ts'
import type { ChangeHandler } from '#client/contract.ts'
import { type Cidr, cidrContains, formatIp, type IpAddress, parseCidr, parseIp } from '#lib/ip.ts'
import type { Clock } from '#lib/clock.ts'
import { AddressIndex } from './address-index.ts'
import type { RecordData, Soa } from './message.ts'
import { zonalRecords } from './render-zonal-names.ts'
import { addressOfReverseName, isPartOfReverseName, isWholeReverseZone, reverseZoneOf } from './reverse-name.ts'
import { ServiceNames } from './service-names.ts'
import { SliceEndpoints } from './slice-endpoints.ts'

/** What an informer hands to its handlers. */
export type Change<T> = Parameters<ChangeHandler<T>>[0]

/** What an answer was made from. It is true for as long as this is current; it never becomes current again. */
export interface Basis {
  isCurrent: boolean
}

export type ZoneNode =
  /** The name exists; no record of the type asked for means NODATA. */
  | { readonly kind: 'name'; readonly records: readonly RecordData[]; readonly apex: string; readonly basis?: Basis }
  /** The name is in a zone of ours and does not exist: NXDOMAIN. */
  | { readonly kind: 'unknown'; readonly apex: string; readonly basis?: Basis }
  /** Not ours to answer. */
  | { readonly kind: 'foreign' }

export interface ZoneOptions {
  readonly domain: string
  /** Address ranges whose reverse names are answered here and nowhere else: Services and pods of this cluster. */
  readonly ownRanges: readonly string[]
  /** The Service whose addresses `ns.dns.domain` has. */
  readonly dnsService?: { readonly namespace: string; readonly name: string }
  readonly clock: Clock
}

export const zoneTtlSeconds = 5
const versionRecord: RecordData = { type: 'TXT', texts: ['1.1.0'] }

/** One Service: its object, its slices, and the names made from them, until one of them changes. A slice is new then. */
interface ServiceEntry {
  readonly fullName: string
  service: Service | undefined
  readonly slices: Map<string, SliceEndpoints>
  names: ServiceNames | undefined
  basis: Basis
}

/** Names that no object can bring into being. */
const always: Basis = { isCurrent: true }

export class Zone {
  readonly domain: string
  readonly #clock: Clock
  /** `isWhole`: the reverse zone has no other addresses than the range. */
  readonly #ownRanges: readonly { readonly range: Cidr; readonly apex: string; readonly isWhole: boolean }[]
  readonly #dnsServiceKey: string
  readonly #namespaces = new Set<string>()
  /** By namespace: that a Service is not there, or that the namespace is. */
  readonly #absences = new Map<string, Basis>()
  /** The same for everything whose namespace is not there. */
  #absence: Basis = { isCurrent: true }
  /** By `name.namespace`. */
  readonly #entries = new Map<string, ServiceEntry>()
  readonly #clusterIps = new AddressIndex()
  readonly #endpointIps = new AddressIndex()
  #serial: number

  constructor({ domain, ownRanges, dnsService = { namespace: 'kube-system', name: 'kube-dns' }, clock }: ZoneOptions) {
    this.domain = domain
    this.#clock = clock
    this.#ownRanges = ownRanges.map((text) => {
      const range = parseCidr(text)
      if (!range) throw new Error(`Cannot read an address range: ${JSON.stringify(text)}`)
      return { range, apex: reverseZoneOf(range), isWhole: isWholeReverseZone(range) }
    })
    this.#dnsServiceKey = `${dnsService.name}.${dnsService.namespace}`
    this.#serial = Math.floor(clock.nowMs() / 1000)
  }

  applyNamespace({ before, after }: Change<Namespace>): void {
    if (before && !after) this.#namespaces.delete(before.metadata.name)
    if (after) this.#namespaces.add(after.metadata.name)
    if (!before || !after) this.#endAbsence((after ?? before)!.metadata.name)
    this.#changed()
  }

  applyService({ before, after }: Change<Service>): void {
    const key = keyOf((after ?? before)!)
    for (const ip of clusterIpsOf(before)) this.#clusterIps.remove(ip, key)
    for (const ip of clusterIpsOf(after)) this.#clusterIps.add(ip, key)
    this.#edit(key, (entry) => (entry.service = after))
  }

  applySlice({ before, after }: Change<EndpointSlice>): void {
    const keyBefore = serviceKeyOf(before)
    const keyAfter = serviceKeyOf(after)
    if (before && keyBefore) {
      for (const ip of endpointIpsOf(before)) this.#endpointIps.remove(ip, keyBefore)
      this.#edit(keyBefore, (entry) => entry.slices.delete(before.metadata.name))
    }
    if (after && keyAfter) {
      for (const ip of endpointIpsOf(after)) this.#endpointIps.add(ip, keyAfter)
      this.#edit(keyAfter, (entry) => entry.slices.set(after.metadata.name, new SliceEndpoints(after)))
    }
  }

  /** `name` is lower case, without the final dot. */
  find(name: string): ZoneNode {
    const apex = this.domain
    if (name === apex) return { kind: 'name', records: this.#apexRecords(apex), apex }
    if (!isWithin(name, apex)) return this.#findReverse(name)
    const below = name.slice(0, -apex.length - 1)
    const records = this.#recordsBelow(below)
    const basis = this.#basisOf(below)
    return records
      ? { kind: 'name', records, apex, ...(basis && { basis }) }
      : { kind: 'unknown', apex, ...(basis && { basis }) }
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name)
  }

  /** Whether a namespace is there, and which Services are not. */
  basisOfNamespace(name: string): Basis {
    return this.#absenceIn(name)
  }

  hasService(namespace: string, name: string): boolean {
    return this.#entries.get(`${name}.${namespace}`)?.service !== undefined
  }

  get serial(): number {
    return this.#serial
  }

  soa(apex: string): RecordData & Soa & { readonly type: 'SOA' } {
    return {
      type: 'SOA',
      mname: `ns.dns.${this.domain}`,
      rname: apex === this.domain ? `hostmaster.${apex}` : `hostmaster.${this.domain}`,
      serial: this.#serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: zoneTtlSeconds,
    }
  }

  /** Records of a name below the domain; undefined when there is no such name. */
  #recordsBelow(name: string): readonly RecordData[] | undefined {
    if (name.endsWith('.svc')) return this.#findService(name.slice(0, -4))
    if (name.endsWith('.pod')) return this.#findPod(name.slice(0, -4))
    if (name === 'svc' || name === 'pod' || name === 'dns') return []
    if (name === 'dns-version') return [versionRecord]
    if (name === 'ns.dns') {
      const records = this.#recordsOf(this.#dnsServiceKey, '') ?? []
      return records.filter(({ type }) => type === 'A' || type === 'AAAA')
    }
    return undefined
  }

  #findService(name: string): readonly RecordData[] | undefined {
    const namespaceDot = name.lastIndexOf('.')
    if (namespaceDot < 0) return this.#namespaces.has(name) ? [] : undefined
    const serviceDot = name.lastIndexOf('.', namespaceDot - 1)
    return this.#recordsOf(name.slice(serviceDot + 1), serviceDot < 0 ? '' : name.slice(0, serviceDot))
  }

  /** Any address written with dashes, below a namespace that exists (the `pods insecure` of CoreDNS). */
  #findPod(name: string): readonly RecordData[] | undefined {
    const dot = name.lastIndexOf('.')
    if (!this.#namespaces.has(name.slice(dot + 1))) return undefined
    if (dot < 0) return []
    const label = name.slice(0, dot)
    const address = parseIp(label.replaceAll('-', '.')) ?? parseIp(label.replaceAll('-', ':'))
    return address && [{ type: address.family === 'IPv4' ? 'A' : 'AAAA', address: formatIp(address) }]
  }

  #recordsOf(key: string, below: string): readonly RecordData[] | undefined {
    const entry = this.#entries.get(key)
    const names = entry && namesOf(entry)
    const records = names?.recordsOf(below)
    if (!names || records || !below.endsWith('_zone') || !isHeadless(entry)) return records
    return zonalRecords(names, below)
  }

  /** Undefined for names that are asked for too seldom to keep their answers. */
  #basisOf(below: string): Basis | undefined {
    if (!below.endsWith('.svc')) {
      if (below.endsWith('.pod')) return this.#absenceIn(below.slice(below.lastIndexOf('.', below.length - 5) + 1, -4))
      return below === 'ns.dns' ? undefined : always
    }
    const namespaceDot = below.lastIndexOf('.', below.length - 5)
    const serviceDot = below.lastIndexOf('.', namespaceDot - 1)
    const entry = namespaceDot < 0 ? undefined : this.#entries.get(below.slice(serviceDot + 1, -4))
    return entry?.basis ?? this.#absenceIn(below.slice(namespaceDot + 1, -4))
  }

  #absenceIn(namespace: string): Basis {
    if (!this.#namespaces.has(namespace)) return this.#absence
    let basis = this.#absences.get(namespace)
    if (!basis) this.#absences.set(namespace, (basis = { isCurrent: true }))
    return basis
  }

  #endAbsence(namespace: string): void {
    const basis = this.#absences.get(namespace)
    if (basis) basis.isCurrent = false
    this.#absences.delete(namespace)
    this.#absence.isCurrent = false
    this.#absence = { isCurrent: true }
  }

  #findReverse(name: string): ZoneNode {
    const address = addressOfReverseName(name)
    if (!address) return this.#findAboveAddresses(name)
    const own = this.#ownRanges.find(({ range }) => cidrContains(range, address))
    const records = this.#pointersOf(address)
    if (records.length > 0) return { kind: 'name', records, apex: own?.apex ?? name }
    return own ? { kind: 'unknown', apex: own.apex } : { kind: 'foreign' }
  }

  /** The reverse zones themselves, and names between them and those of addresses, which exist without data (RFC 8020). */
  #findAboveAddresses(name: string): ZoneNode {
    const apex = this.#ownRanges.find(({ isWhole, apex: zone }) => isWhole && isWithin(name, zone))?.apex
    if (apex === undefined) return { kind: 'foreign' }
    if (name === apex) return { kind: 'name', records: this.#apexRecords(apex), apex }
    return isPartOfReverseName(name) ? { kind: 'name', records: [], apex } : { kind: 'unknown', apex }
  }

  /** Of a Service's own address, its name; of an endpoint, one name per Service, headless ones first. */
  #pointersOf(address: IpAddress): RecordData[] {
    const ip = formatIp(address)
    const services = this.#clusterIps.keysOf(ip).map((key) => this.#entries.get(key)!.fullName)
    if (services.length > 0) return services.map((target) => ({ type: 'PTR', target }))
    const entries = this.#endpointIps.keysOf(ip).map((key) => this.#entries.get(key)!)
    const headlessFirst = entries.toSorted((a, b) => Number(isHeadless(b)) - Number(isHeadless(a)))
    return headlessFirst.flatMap((entry) =>
      (namesOf(entry)?.labelsOf(ip) ?? []).map((label): RecordData => ({
        type: 'PTR',
        target: `${label}.${entry.fullName}`,
      })),
    )
  }

  #apexRecords(apex: string): readonly RecordData[] {
    return [this.soa(apex), { type: 'NS', target: `ns.dns.${this.domain}` }]
  }

  #edit(key: string, change: (entry: ServiceEntry) => void): void {
    let entry = this.#entries.get(key)
    if (!entry) {
      entry = {
        fullName: `${key}.svc.${this.domain}`,
        service: undefined,
        slices: new Map(),
        names: undefined,
        basis: { isCurrent: true },
      }
      this.#entries.set(key, entry)
      this.#endAbsence(key.slice(key.indexOf('.') + 1))
    }
    change(entry)
    entry.names = undefined
    entry.basis.isCurrent = false
    entry.basis = { isCurrent: true }
    if (!entry.service && entry.slices.size === 0) this.#entries.delete(key)
    this.#changed()
  }

  #changed(): void {
    this.#serial = Math.max(this.#serial + 1, Math.floor(this.#clock.nowMs() / 1000)) >>> 0
  }
}

/** The zone itself, or below it. */
function isWithin(name: string, zone: string): boolean {
  return name.endsWith(zone) && (name.length === zone.length || name[name.length - zone.length - 1] === '.')
}

function namesOf(entry: ServiceEntry): ServiceNames | undefined {
  if (entry.service) entry.names ??= new ServiceNames(entry.fullName, entry.service, entry.slices.values())
  return entry.names
}

function isHeadless(entry: ServiceEntry): boolean {
  return entry.service?.spec.clusterIP === 'None'
}

function keyOf({ metadata }: Service): string {
  return `${metadata.name}.${metadata.namespace}`
}

function serviceKeyOf(slice: EndpointSlice | undefined): string | undefined {
  const name = slice?.metadata.labels?.['kubernetes.io/service-name']
  return name && `${name}.${slice?.metadata.namespace}`
}

function clusterIpsOf(service: Service | undefined): string[] {
  const { type, clusterIP, clusterIPs = clusterIP ? [clusterIP] : [] } = service?.spec ?? {}
  return type === 'ExternalName' ? [] : canonical(clusterIPs)
}

function endpointIpsOf({ endpoints = [] }: EndpointSlice): string[] {
  return canonical(endpoints.flatMap(({ addresses }) => addresses))
}

function canonical(addresses: readonly string[]): string[] {
  return addresses.flatMap((text) => parseIp(text) ?? []).map(formatIp)
}
