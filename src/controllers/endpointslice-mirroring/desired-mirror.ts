/** The EndpointSlices that say what a user's Endpoints object says. Pure. */
import type { EndpointAddress, Endpoints } from '#api/endpoints.ts'
import type { Endpoint } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import { parseIp } from '#lib/ip.ts'
import type { IpFamily } from '#lib/ip.ts'
import { portsKey } from '../endpointslice/desired-endpoints.ts'
import type { DesiredEndpoints, PortGroup } from '../endpointslice/desired-endpoints.ts'
import type { SliceIdentity } from '../endpointslice/plan-slices.ts'
import { triggerTimeAnnotation } from '../trigger-time.ts'

export const mirroringController = 'endpointslicemirroring-controller.k8s.io'
const maxPerSubset = 1000
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
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const all = [...addresses.map((a) => mirrored(a, true)), ...notReadyAddresses.map((a) => mirrored(a, false))]
    tooMany += Math.max(0, all.length - maxPerSubset)
    for (const endpoint of all.slice(0, maxPerSubset)) {
      const family = parseIp(endpoint.addresses[0]!)?.family
      if (!family) {
        invalid.push(endpoint.addresses[0]!)
        continue
      }
      const groups = families.get(family) ?? new Map<string, PortGroup>()
      families.set(family, groups)
      const named = ports.map((port) => ({ ...port, name: port.name ?? '' }))
      const group = groups.get(portsKey(named)) ?? { ports: named, endpoints: [] }
      groups.set(portsKey(named), group)
      if (!group.endpoints.some(({ addresses: [ip] }) => ip === endpoint.addresses[0])) group.endpoints.push(endpoint)
    }
  }
  return { desired: [...families].map(([family, groups]) => ({ family, groups })), invalid, tooMany }
}

function mirrored({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
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
