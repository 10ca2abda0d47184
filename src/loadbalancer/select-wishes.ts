/** What a Service says about its load balancer. */
import type { Node } from '#api/node.ts'
import type { Service } from '#api/service.ts'
import { formatIp, parseIp, type IpFamily } from '#lib/ip.ts'

export const cleanupFinalizer = 'service.kubernetes.io/load-balancer-cleanup'
export const ownClass = 'frontdesk.dev/loadbalancer'
/** Wanted addresses, separated by commas: one for each IP family of the Service. */
export const addressesAnnotation = 'frontdesk.dev/load-balancer-ips'
/** Services with the same value may have one address, where their ports differ. */
export const sharingAnnotation = 'frontdesk.dev/allow-shared-ip'

/** Whose Services: those of a class, and, for a cluster's default load balancer, those that name none. */
export interface Responsibility {
  readonly className: string
  readonly isDefault: boolean
}

export function isResponsible({ className, isDefault }: Responsibility, { spec }: Service): boolean {
  if (spec.type !== 'LoadBalancer') return false
  return spec.loadBalancerClass === undefined ? isDefault : spec.loadBalancerClass === className
}

export const isEnding = ({ metadata }: Service): boolean => metadata.deletionTimestamp !== undefined

export const hasFinalizer = ({ metadata }: Service): boolean => metadata.finalizers?.includes(cleanupFinalizer) ?? false

/** The annotation, else the deprecated field; in canonical form, what is no address as it is. */
export function requestedIps({ metadata, spec }: Service): readonly string[] {
  const text = metadata.annotations?.[addressesAnnotation] ?? spec.loadBalancerIP ?? ''
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const address = parseIp(part)
      return address ? formatIp(address) : part
    })
}

export const familiesOf = ({ spec }: Service): readonly IpFamily[] => spec.ipFamilies ?? ['IPv4']

/** What decides whether two Services may have one address. */
export interface Claim {
  /** `namespace/name` */
  readonly key: string
  /** `80/TCP` */
  readonly ports: readonly string[]
  readonly sharingKey: string | undefined
  /** Which pods get traffic, when it may not leave the node that took it; undefined with policy Cluster. */
  readonly localPods: string | undefined
}

export function claimOf({ metadata, spec }: Service): Claim {
  const { namespace, name, annotations } = metadata
  const selector = Object.entries(spec.selector ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    key: `${namespace}/${name}`,
    ports: (spec.ports ?? []).map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`),
    sharingKey: annotations?.[sharingAnnotation] || undefined,
    localPods: spec.externalTrafficPolicy === 'Local' ? JSON.stringify([namespace, selector]) : undefined,
  }
}

export const sameClaim = (a: Claim, b: Claim): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Why the two cannot have one address; undefined when they can. */
export function conflictOf(a: Claim, b: Claim): string | undefined {
  if (a.sharingKey === undefined || a.sharingKey !== b.sharingKey) {
    return `they do not share it by the same value of annotation ${sharingAnnotation}`
  }
  const port = a.ports.find((one) => b.ports.includes(one))
  if (port !== undefined) return `both have port ${port}`
  if (a.localPods === b.localPods) return undefined
  return 'with externalTrafficPolicy Local, Services that share an address must select the same pods'
}

/** A node as far as load balancers are concerned. */
export interface NodeView {
  readonly name: string
  /** One of each family that it has. */
  readonly internalIps: readonly string[]
  /** Whether traffic from outside may be sent to it. Readiness does not count: that is for health checks to say. */
  readonly takesTraffic: boolean
}

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers'
const autoscalerTaint = 'ToBeDeletedByClusterAutoscaler'

/** Undefined for a node without an address yet. */
export function viewNode({ metadata, spec, status }: Node): NodeView | undefined {
  const internalIps = (status?.addresses ?? []).flatMap(({ type, address }) =>
    type === 'InternalIP' && parseIp(address) ? [address] : [],
  )
  if (internalIps.length === 0) return undefined
  const isLeaving =
    metadata.deletionTimestamp !== undefined || (spec?.taints ?? []).some(({ key }) => key === autoscalerTaint)
  return { name: metadata.name, internalIps, takesTraffic: !isLeaving && !isExcluded(metadata.labels?.[excludeLabel]) }
}

export const familyOf = (ip: string): IpFamily => (ip.includes(':') ? 'IPv6' : 'IPv4')

/** The node's address through which it takes traffic for `ip`; undefined: it has none of that family. */
export const viaTo = ({ internalIps }: NodeView, ip: string): string | undefined =>
  internalIps.find((own) => familyOf(own) === familyOf(ip))

/** As Go reads a boolean: only what plainly says no leaves the node in. */
function isExcluded(label: string | undefined): boolean {
  return label !== undefined && !['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(label)
}
