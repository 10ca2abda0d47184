/** Gives Services their cluster IPs, node ports and health-check node port, as one transaction with the write. */
import type { Kind } from '#api/kind.ts'
import { selectIpFamilies } from '#api/select-ip-families.ts'
import { Service } from '#api/service.ts'
import { needsClusterIp } from '#api/service-rules.ts'
import { invalid } from '../api-errors.ts'
import type { Allocator, Reservation, Write } from '../write/write.ts'
import { cannotAllocate, type ClusterAddresses } from './cluster-addresses.ts'
import { addressesOf, portsOf } from './held-values.ts'
import { portOwnerOf } from './node-port-lock.ts'
import type { NodePorts } from './node-ports.ts'
import { takeAddresses } from './take-addresses.ts'
import { takeNodePorts } from './take-node-ports.ts'

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
      for (const port of portsOf(service.spec)) await ports.giveBack(port, portOwnerOf(service))
    },
  }
}

function fillFamilies(addresses: ClusterAddresses, { object, before }: Write): void {
  const service = object as Service
  const families = addresses.families()
  if (families.length === 0 && needsClusterIp(service.spec)) throw cannotAllocate(service, 'allocator not ready')
  const findings = selectIpFamilies(service, families, before as Service | undefined)
  if (findings.length > 0) throw invalid(Service, service.metadata.name, findings)
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
    const { dryRun } = this.#write
    const common = { service: this.#service, before: this.#before, dryRun }
    await takeAddresses({ ...common, addresses: this.#addresses, taken: this.#newAddresses })
    await takeNodePorts({ ...common, ports: this.#ports, taken: this.#newPorts })
  }

  async commit(): Promise<void> {
    if (!this.#before) return
    const addresses = new Set(addressesOf(this.#service.spec))
    const ports = new Set(portsOf(this.#service.spec))
    for (const old of addressesOf(this.#before.spec)) {
      if (!addresses.has(old)) await this.#addresses.giveBack(old, this.#service)
    }
    for (const old of portsOf(this.#before.spec)) {
      if (!ports.has(old)) await this.#ports.giveBack(old, portOwnerOf(this.#service))
    }
  }

  async revert(): Promise<void> {
    for (const address of this.#newAddresses.splice(0)) await this.#addresses.giveBack(address, this.#service)
    for (const port of this.#newPorts.splice(0)) await this.#ports.giveBack(port, portOwnerOf(this.#service))
  }
}

const isService = (kind: Kind): boolean => kind.group === '' && kind.plural === 'services'
