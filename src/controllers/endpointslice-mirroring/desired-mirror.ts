/** The EndpointSlices that say what a user's Endpoints object says. Pure. */
import type { EndpointAddress, Endpoints, EndpointSubset } from '#api/endpoints.ts'
import type { Endpoint, EndpointPort } from '#api/endpoint-slice.ts'
import { triggerTimeAnnotation } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import { formatIp, parseIp } from '#lib/ip.ts'
import type { IpFamily } from '#lib/ip.ts'
import { portsKey } from '../endpointslice/desired-endpoints.ts'
import type { DesiredEndpoints, PortGroup } from '../endpointslice/desired-endpoints.ts'
import { endpointKey } from '../endpointslice/endpoint-key.ts'
import type { SliceIdentity } from '../endpointslice/plan-slices.ts'

export const mirroringController = 'endpointslicemirroring-controller.k8s.io'
/** Also what one slice of a mirror holds. */
export const maxPerSubset = 1000
const skippedAnnotations = new Set([triggerTimeAnnotation, 'kubectl.kubernetes.io/last-applied-configuration'])

/** Endpoints of Services with a selector are written by their own controller, which makes slices too. */
export function shouldMirror(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (!endpoints || !service || service.spec.selector !== undefined) return false
  const { labels, annotations } = endpoints.metadata
  return (
    labels?.['endpointslice.kubernetes.io/skip-mirror'] !== 'true' &&
    annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined
  )
}

export interface Mirror {
  readonly desired: DesiredEndpoints[]
  readonly invalid: string[]
  readonly tooMany: number
}

export function desiredMirror({ subsets = [] }: Endpoints): Mirror {
  const families = new Map<IpFamily, Map<string, PortGroup>>()
  const invalid: string[] = []
  let tooMany = 0
  for (const [key, { ports, endpoints }] of repack(subsets)) {
    let mirroredCount = 0
    for (const endpoint of endpoints.values()) {
      const [ip = ''] = endpoint.addresses
      const family = parseIp(ip)?.family
      if (!family) invalid.push(ip)
      else if (mirroredCount++ >= maxPerSubset) tooMany++
      else groupOf(families, family, key, ports).endpoints.push(endpoint)
    }
  }
  return { desired: [...families].map(([family, groups]) => ({ family, groups })), invalid, tooMany }
}

interface Repacked {
  readonly ports: EndpointPort[]
  /** By address and the object behind it. */
  readonly endpoints: Map<string, Endpoint>
}

/** Subsets of the same ports become one; an address that some subset says is not ready is not ready. */
function repack(subsets: readonly EndpointSubset[]): Map<string, Repacked> {
  const packed = new Map<string, Repacked>()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const named = ports.map((port) => ({ ...port, name: port.name ?? '' }))
    const key = portsKey(named)
    const subset = packed.get(key) ?? { ports: named, endpoints: new Map<string, Endpoint>() }
    packed.set(key, subset)
    for (const address of addresses) {
      const endpoint = mirrored(address, true)
      const before = subset.endpoints.get(endpointKey(endpoint))
      if (!before) subset.endpoints.set(endpointKey(endpoint), endpoint)
    }
    for (const address of notReadyAddresses) {
      const endpoint = mirrored(address, false)
      subset.endpoints.set(endpointKey(endpoint), endpoint)
    }
  }
  return packed
}

function groupOf(
  families: Map<IpFamily, Map<string, PortGroup>>,
  family: IpFamily,
  key: string,
  ports: EndpointPort[],
): PortGroup {
  const groups = families.get(family) ?? new Map<string, PortGroup>()
  families.set(family, groups)
  const group = groups.get(key) ?? { ports, endpoints: [] }
  groups.set(key, group)
  return group
}

/** Slices hold addresses in their canonical form only. */
function mirrored({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  const address = parseIp(ip)
  return {
    addresses: [address ? formatIp(address) : ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  }
}

export function mirrorIdentity({ metadata }: Endpoints): SliceIdentity & { annotations: Record<string, string> } {
  const { namespace = '', name, uid = '', labels, annotations = {} } = metadata
  return {
    namespace,
    generateName: `${name}-`,
    labels: {
      ...labels,
      'kubernetes.io/service-name': name,
      'endpointslice.kubernetes.io/managed-by': mirroringController,
    },
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !skippedAnnotations.has(key))),
    ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true }],
  }
}
