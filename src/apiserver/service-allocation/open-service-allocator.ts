/** The allocator over the objects of one server. */
import { Service } from '#api/service.ts'
import type { Kind } from '#api/kind.ts'
import type { Allocator, WriteDeps } from '../write/write.ts'
import { createClusterAddresses } from './cluster-addresses.ts'
import { createServiceAllocator, heldNodePorts } from './create-service-allocator.ts'
import { createNodePorts } from './node-ports.ts'

/** `deps` is asked for at each use: the allocator is itself part of it. */
export function openServiceAllocator(deps: () => WriteDeps): Allocator {
  const services = (): Service[] =>
    deps()
      .objects.list(Service as unknown as Kind)
      .map(({ object }) => object as Service)
  return createServiceAllocator(
    createClusterAddresses(deps),
    createNodePorts(() => heldNodePorts(services())),
  )
}
