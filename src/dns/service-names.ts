/**
 * The DNS names of one Service, below its own name, with their records. Each is made when it is asked for, from what its
 * slices have read by then: a change of one slice reads that one anew.
 */
import type { Service } from '#api/service.ts'
import { parseIp } from '#lib/ip.ts'
import type { RecordData } from './message.ts'
import { type AddressRecord, addressRecord, SliceEndpoints } from './slice-endpoints.ts'

/** `fullName` is `name.namespace.svc.domain`. Behaviour: DNS specification 1.1.0, and CoreDNS where that is silent. */
export class ServiceNames {
  readonly #fullName: string
  readonly #service: Service
  readonly #slices: readonly SliceEndpoints[]
  /** Those at which many endpoints stand; the others are soon made. */
  readonly #shared = new Map<string, readonly RecordData[]>()

  constructor(fullName: string, service: Service, slices: Iterable<SliceEndpoints>) {
    this.#fullName = fullName
    this.#service = service
    this.#slices = [...slices]
  }

  /**
   * @param below what stands before the Service's name: '' is the Service itself
   * @returns an empty list: the name exists, without data; undefined: there is no such name
   */
  recordsOf(below: string): readonly RecordData[] | undefined {
    const known = this.#shared.get(below)
    if (known) return known
    const records = this.#find(below)
    if (records && isOfWhole(below)) this.#shared.set(below, records)
    return records
  }

  /** Of the endpoints with an address. */
  labelsOf(ip: string): readonly string[] {
    if (this.#service.spec.type === 'ExternalName') return []
    const labels = this.#slices.flatMap(({ ready }) =>
      ready.filter(({ record }) => record.address === ip).map(({ label }) => label),
    )
    return [...new Set(labels)]
  }

  /** The same of the endpoints of one topology zone alone; `zone` is lower case. */
  within(zone: string): ServiceNames {
    const slices = this.#slices.map(({ slice }) => {
      const endpoints = slice.endpoints?.filter((endpoint) => endpoint.zone?.toLowerCase() === zone)
      return new SliceEndpoints({ ...slice, endpoints: endpoints ?? [] })
    })
    return new ServiceNames(this.#fullName, this.#service, slices)
  }

  #find(below: string): readonly RecordData[] | undefined {
    const { spec } = this.#service
    if (spec.type === 'ExternalName') return below === '' ? aliasOf(spec.externalName) : undefined
    const found = new FoundRecords(below, this.#fullName)
    if (!isOfWhole(below)) for (const slice of this.#slices) addLabelled(found, slice)
    else if (spec.clusterIP === 'None') for (const slice of this.#slices) addEndpoints(found, slice)
    else addClusterIps(found, this.#service)
    return found.finish()
  }
}

/** The Service's own name and those of its ports; others are labels of endpoints, which never begin like that. */
const isOfWhole = (below: string): boolean => below === '' || below.startsWith('_')

/** An address is no name that a CNAME could point at. */
function aliasOf(externalName: string | undefined): readonly RecordData[] | undefined {
  const target = externalName?.replace(/\.$/, '')
  return target && !parseIp(target) ? [{ type: 'CNAME', target }] : undefined
}

function addClusterIps(found: FoundRecords, { spec }: Service): void {
  const addresses = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])
  if (addresses.length === 0 || !spec.ports?.length) return
  if (found.below === '') {
    for (const text of addresses) {
      const address = parseIp(text)
      if (address) found.addAddress(addressRecord(address.family, text))
    }
  }
  for (const { port } of found.select(spec.ports)) found.addTarget(port, '')
}

/** Below a headless Service all endpoints stand, and at the names of their ports. */
function addEndpoints(found: FoundRecords, { ready, ports }: SliceEndpoints): void {
  if (ready.length === 0) return
  const own = found.select(ports)
  const isService = found.below === ''
  if (!isService && own.length === 0) return
  for (const { label, record } of ready) {
    if (isService) found.addAddress(record)
    for (const { port } of own) found.addTarget(port, label)
  }
}

function addLabelled(found: FoundRecords, slice: SliceEndpoints): void {
  const addresses = slice.labelled(found.below)
  if (addresses.length === 0) return
  const { ports } = slice
  for (const { label, record } of addresses) {
    found.addAddress(record)
    for (const { port } of ports) found.addTarget(port, label)
  }
}

/** A port of a Service or of a slice. */
interface PortName {
  readonly name?: string | undefined
  readonly protocol?: string | undefined
  readonly port: number
}

interface Target {
  readonly port: number
  readonly label: string
}

/** The records of one name; the same one twice (an endpoint in two slices, two families of one host) is one. */
class FoundRecords {
  readonly below: string
  readonly #fullName: string
  readonly #addresses = new Map<string, AddressRecord>()
  readonly #targets: Target[] = []
  readonly #labelsAt = new Map<number, Set<string>>()
  #exists = false

  constructor(below: string, fullName: string) {
    this.below = below
    this.#fullName = fullName
  }

  addAddress(record: AddressRecord): void {
    this.#addresses.set(record.address, record)
  }

  /** The ports that stand here: at the Service's own name all of them, at `_port._protocol` those of that name. */
  select(ports: readonly PortName[]): readonly PortName[] {
    if (this.below === '') return ports
    return ports.filter(({ name, protocol = 'TCP' }) => {
      if (!name) return false
      const transport = `_${protocol.toLowerCase()}`
      // a name below it exists, so it exists too (RFC 8020)
      if (this.below === transport) this.#exists = true
      return this.below === `_${name}.${transport}`
    })
  }

  addTarget(port: number, label: string): void {
    let labels = this.#labelsAt.get(port)
    if (!labels) this.#labelsAt.set(port, (labels = new Set()))
    const { size } = labels
    if (labels.add(label).size > size) this.#targets.push({ port, label })
  }

  finish(): readonly RecordData[] | undefined {
    if (!this.#exists && this.#addresses.size === 0 && this.#targets.length === 0) return undefined
    const weight = Math.max(1, Math.floor(100 / this.#targets.length))
    const targets = this.#targets.map(({ port, label }): RecordData => ({
      type: 'SRV',
      priority: 0,
      weight,
      port,
      target: label === '' ? this.#fullName : `${label}.${this.#fullName}`,
    }))
    return [...this.#addresses.values(), ...targets]
  }
}
