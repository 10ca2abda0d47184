/** The (deprecated) Endpoints object that a Service should have. Pure. */
import { headlessLabel, triggerTimeAnnotation } from '#api/endpoint-slice.ts'
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from '#api/endpoints.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import type { Draft } from '#client/contract.ts'
import { parseIp } from '#lib/ip.ts'
import type { IpFamily } from '#lib/ip.ts'
import { podIpOf, resolvedPorts } from '../endpointslice/desired-endpoints.ts'
import { isHeadless } from '../endpointslice/slice-identity.ts'
import { isReady, isTerminal, isTerminating } from '../pod-state.ts'

export const managedByLabel = 'endpoints.kubernetes.io/managed-by'
export const managedByValue = 'endpoint-controller'
export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity'
const maxAddresses = 1000

export interface EndpointsContent {
  readonly labels: Record<string, string>
  readonly subsets: EndpointSubset[]
  readonly truncated: boolean
}

export function desiredEndpointsContent(service: Service, pods: readonly Pod[]): EndpointsContent {
  const full = packSubsets(service, pods)
  const subsets = truncate(full)
  const { [headlessLabel]: _headless, ...labels } = service.metadata.labels ?? {}
  return {
    labels: { ...labels, [managedByLabel]: managedByValue, ...(isHeadless(service) && { [headlessLabel]: '' }) },
    subsets,
    truncated: subsets !== full,
  }
}

interface Packed {
  readonly ports: EndpointPort[]
  readonly ready: EndpointAddress[]
  readonly notReady: EndpointAddress[]
}

function packSubsets(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const { publishNotReadyAddresses = false, ports: servicePorts = [] } = service.spec
  const family = (service.spec.ipFamilies?.[0] as IpFamily | undefined) ?? parseIp(service.spec.clusterIP ?? '')?.family
  const packed = new Map<string, Packed>()
  for (const pod of pods) {
    if (isTerminal(pod) || (isTerminating(pod) && !publishNotReadyAddresses)) continue
    const address = podAddress(family, service, pod)
    if (!address) continue
    const resolved = resolvedPorts(service, pod)
    const ports = resolved.ports as EndpointPort[]
    // A pod that has none of the named ports is no endpoint; a headless Service needs no ports at all.
    if (ports.length === 0 && servicePorts.length > 0) continue
    const subset = packed.get(resolved.key) ?? { ports, ready: [], notReady: [] }
    packed.set(resolved.key, subset)
    subset[publishNotReadyAddresses || isReady(pod) ? 'ready' : 'notReady'].push(address)
  }
  return [...packed.keys()].toSorted().map((key) => toSubset(packed.get(key)!))
}

function toSubset({ ports, ready, notReady }: Packed): EndpointSubset {
  return {
    ...(ready.length > 0 && { addresses: ready.toSorted(byIp) }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady.toSorted(byIp) }),
    ...(ports.length > 0 && { ports: ports.map(withoutEmptyName).toSorted(byName) }),
  }
}

function withoutEmptyName({ name, ...port }: EndpointPort): EndpointPort {
  return name ? { name, ...port } : port
}

function byIp(a: EndpointAddress, b: EndpointAddress): number {
  return a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0
}

function byName(a: EndpointPort, b: EndpointPort): number {
  return (a.name ?? '') < (b.name ?? '') ? -1 : (a.name ?? '') > (b.name ?? '') ? 1 : a.port - b.port
}

function podAddress(family: IpFamily | undefined, service: Service, pod: Pod): EndpointAddress | undefined {
  const ip = podIpOf(pod, family)
  if (!ip) return undefined
  const { hostname, subdomain, nodeName } = pod.spec
  const { namespace, name, uid } = pod.metadata
  return {
    ip,
    ...(hostname && subdomain === service.metadata.name && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: 'Pod', ...(namespace && { namespace }), name, ...(uid && { uid }) },
  }
}

/** Ready addresses come first; within each sort every subset keeps its share. The same array when nothing is too much. */
function truncate(subsets: EndpointSubset[]): EndpointSubset[] {
  const count = (list: 'addresses' | 'notReadyAddresses') =>
    subsets.reduce((sum, subset) => sum + (subset[list]?.length ?? 0), 0)
  const ready = count('addresses')
  const notReady = count('notReadyAddresses')
  if (ready + notReady <= maxAddresses) return subsets
  const readyLimit = Math.min(ready, maxAddresses)
  const keepReady = shares(subsets, 'addresses', readyLimit, ready)
  const keepNotReady = shares(subsets, 'notReadyAddresses', maxAddresses - readyLimit, notReady)
  return subsets.flatMap((subset, index) => {
    const addresses = subset.addresses?.slice(0, keepReady[index])
    const notReadyAddresses = subset.notReadyAddresses?.slice(0, keepNotReady[index])
    if (!addresses?.length && !notReadyAddresses?.length) return []
    return [
      {
        ...(addresses?.length && { addresses }),
        ...(notReadyAddresses?.length && { notReadyAddresses }),
        ...(subset.ports && { ports: subset.ports }),
      },
    ]
  })
}

function shares(
  subsets: readonly EndpointSubset[],
  list: 'addresses' | 'notReadyAddresses',
  limit: number,
  total: number,
): number[] {
  let left = limit
  return subsets.map((subset) => {
    const size = subset[list]?.length ?? 0
    const kept = total === 0 ? 0 : Math.min(left, Math.ceil((size * limit) / total))
    left -= kept
    return kept
  })
}

/** The object to create, or the content to write over an existing one. */
export function endpointsDraft(service: Service, content: EndpointsContent, triggerTime?: string): Draft<Endpoints> {
  const { namespace = '', name } = service.metadata
  const annotations = {
    ...(triggerTime && { [triggerTimeAnnotation]: triggerTime }),
    ...(content.truncated && { [overCapacityAnnotation]: 'truncated' }),
  }
  return { metadata: { namespace, name, labels: content.labels, annotations }, subsets: content.subsets }
}
