/** Gives Services their cluster IPs, node ports and health-check node port, as one transaction with the write. */
import type { Finding, Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { selectIpFamilies } from '#api/select-ip-families.ts'
import { Service, type ServiceSpec } from '#api/service.ts'
import { isHeadless, needsClusterIp, needsHealthCheckNodePort, needsNodePorts } from '#api/service-rules.ts'
import { internalError, invalid } from '../api-errors.ts'
import type { Allocator, Reservation, Write } from '../write/write.ts'
import type { ClusterAddresses } from './cluster-addresses.ts'
import type { NodePorts } from './node-ports.ts'

export function createServiceAllocator(addresses: ClusterAddresses, ports: NodePorts): Allocator {
  return {
    complete: (write) => {
      if (isService(write.kind) && write.operation !== 'delete') fillFamilies(addresses, write)
    },
    reserve: async (write) => {
      if (!isService(write.kind) || write.operation === 'delete' || write.subresource !== undefined) return undefined
      const taking = new Taking(addresses, ports, write)
      try {
        await taking.takeAll()
      } catch (error) {
        await taking.revert()
        throw error
      }
      return taking
    },
    release: async (kind, object) => {
      if (!isService(kind)) return
      const service = object as Service
      for (const address of addressesOf(service.spec)) await addresses.giveBack(address, service)
      for (const port of portsOf(service.spec)) ports.giveBack(port, ownerOf(service))
    },
  }
}

function fillFamilies(addresses: ClusterAddresses, { object, before }: Write): void {
  const service = object as Service
  const findings = selectIpFamilies(service, addresses.families(), before as Service | undefined)
  if (findings.length > 0) throw invalid(Service, service.metadata.name, findings)
}

/** Numbers that Services of the store hold, for filling a pool. */
export function* heldNodePorts(services: Iterable<Service>): Generator<readonly [number, string]> {
  for (const service of services) for (const port of portsOf(service.spec)) yield [port, ownerOf(service)]
}

/** What one write takes; commit gives back what the old object no longer needs, revert what was newly taken. */
class Taking implements Reservation {
  readonly #addresses: ClusterAddresses
  readonly #ports: NodePorts
  readonly #write: Write
  readonly #service: Service
  readonly #before: Service | undefined
  readonly #newAddresses: string[] = []
  readonly #newPorts: number[] = []

  constructor(addresses: ClusterAddresses, ports: NodePorts, write: Write) {
    this.#addresses = addresses
    this.#ports = ports
    this.#write = write
    this.#service = write.object as Service
    this.#before = write.before as Service | undefined
  }

  async takeAll(): Promise<void> {
    const { spec } = this.#service
    if (needsClusterIp(spec)) await this.#takeAddresses(spec)
    if (needsNodePorts(spec) || portsOf(spec).length > 0) this.#takeNodePorts(spec)
    if (needsHealthCheckNodePort(spec)) this.#takeHealthCheckPort(spec)
  }

  async #takeAddresses(spec: ServiceSpec): Promise<void> {
    if (isHeadless(spec)) {
      spec.clusterIP = 'None'
      spec.clusterIPs = ['None']
      return
    }
    const kept = new Set(this.#before ? addressesOf(this.#before.spec) : [])
    const wanted = spec.clusterIPs ?? []
    const chosen: string[] = []
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      chosen.push(await this.#takeAddress(wanted[index], family, kept))
    }
    spec.clusterIPs = chosen
    if (chosen[0] !== undefined) spec.clusterIP = chosen[0]
  }

  async #takeAddress(wanted: string | undefined, family: 'IPv4' | 'IPv6', kept: ReadonlySet<string>): Promise<string> {
    if (wanted && kept.has(wanted)) return wanted
    if (this.#write.dryRun) return wanted || this.#addresses.placeholder(family)
    if (wanted) await this.#addresses.take(wanted, this.#service, 'spec.clusterIPs')
    const address = wanted || (await this.#addresses.takeAny(family, this.#service))
    this.#newAddresses.push(address)
    return address
  }

  #takeNodePorts(spec: ServiceSpec): void {
    const kept = new Set(this.#before ? portsOf(this.#before.spec) : [])
    const findings: Finding[] = []
    const shared = new Map<number, number>()
    const isCreate = this.#before === undefined
    for (const port of spec.ports ?? []) if (isCreate && port.nodePort) shared.set(port.port, port.nodePort)
    for (const [index, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort && !needsNodePorts(spec)) continue
      const asked = port.nodePort || (isCreate ? shared.get(port.port) : undefined)
      if (asked !== undefined && kept.has(asked)) continue
      if (asked === undefined) port.nodePort = this.#takeAnyPort('failed to allocate a nodePort: range is full')
      else {
        port.nodePort = asked
        findings.push(...this.#takePort(asked, `spec.ports[${index}].nodePort`))
      }
      if (isCreate) shared.set(port.port, port.nodePort)
    }
    if (findings.length > 0) throw invalid(Service as never, this.#service.metadata.name, findings)
  }

  #takePort(port: number, field: string): Finding[] {
    const { first, last } = this.#ports
    const refuse = (why: string): Finding[] => [
      { field, reason: 'FieldValueInvalid', message: `Invalid value: ${port}: ${why}` },
    ]
    if (port < first || port > last) {
      return refuse(`provided port is not in the valid range. The range of valid ports is ${first}-${last}`)
    }
    if (this.#write.dryRun) return []
    const isNew = !this.#newPorts.includes(port)
    if (!this.#ports.take(port, ownerOf(this.#service))) return refuse('provided port is already allocated')
    if (isNew) this.#newPorts.push(port)
    return []
  }

  #takeAnyPort(failure: string): number {
    if (this.#write.dryRun) return this.#ports.first
    const port = this.#ports.takeAny(ownerOf(this.#service))
    if (port === undefined) throw internalError(failure)
    this.#newPorts.push(port)
    return port
  }

  #takeHealthCheckPort(spec: ServiceSpec): void {
    const asked = spec.healthCheckNodePort
    if (asked && this.#before?.spec.healthCheckNodePort === asked) return
    if (!asked) spec.healthCheckNodePort = this.#takeAnyPort('failed to allocate a HealthCheck NodePort: range is full')
    else {
      const [finding] = this.#takePort(asked, 'spec.healthCheckNodePort')
      if (finding) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${finding.message}`)
    }
  }

  async commit(): Promise<void> {
    if (!this.#before) return
    const addresses = new Set(addressesOf(this.#service.spec))
    const ports = new Set(portsOf(this.#service.spec))
    for (const old of addressesOf(this.#before.spec)) {
      if (!addresses.has(old)) await this.#addresses.giveBack(old, this.#service)
    }
    for (const old of portsOf(this.#before.spec)) if (!ports.has(old)) this.#ports.giveBack(old, ownerOf(this.#service))
  }

  async revert(): Promise<void> {
    for (const address of this.#newAddresses.splice(0)) await this.#addresses.giveBack(address, this.#service)
    for (const port of this.#newPorts.splice(0)) this.#ports.giveBack(port, ownerOf(this.#service))
  }
}

const isService = (kind: Kind): boolean => kind.group === '' && kind.plural === 'services'
const ownerOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`

function addressesOf(spec: ServiceSpec): string[] {
  return needsClusterIp(spec) && !isHeadless(spec) ? (spec.clusterIPs ?? []).filter((address) => address !== '') : []
}

function portsOf(spec: ServiceSpec): number[] {
  const nodePorts = (spec.ports ?? []).flatMap(({ nodePort }) => nodePort || [])
  return spec.healthCheckNodePort ? [...nodePorts, spec.healthCheckNodePort] : nodePorts
}
