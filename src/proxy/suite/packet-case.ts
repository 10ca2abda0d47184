/**
 * The packet-level promise of the proxy, as data: a state of the cluster, who dials what, and what must happen. Every
 * back end runs the same table (`run-packet-suite.ts`).
 *
 * The cluster has three nodes. Pods a1, a2 run on node-1, b1, b2 on node-2, c1 on node-3; each answers TCP, UDP and SCTP
 * on ports 8080 and 8081. Every node answers the same way on port 9090 of its own network (as a hostNetwork pod would).
 * `host` is a machine next to the nodes, with a route to pods and Services.
 */
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service, ServicePort, ServiceSpec } from '#api/service.ts'
import { planAddresses, planNode } from '#lib/address-plan.ts'
import type { Protocol } from '../backend.ts'

export const plan = planAddresses(0)
export const nodes = { 'node-1': planNode(plan, 1), 'node-2': planNode(plan, 2), 'node-3': planNode(plan, 3) } as const
export type NodeName = keyof typeof nodes
export const nodeNames = Object.keys(nodes) as NodeName[]

export const pods = {
  a1: { node: 'node-1', ip: '10.244.1.2' },
  a2: { node: 'node-1', ip: '10.244.1.3' },
  b1: { node: 'node-2', ip: '10.244.2.2' },
  b2: { node: 'node-2', ip: '10.244.2.3' },
  c1: { node: 'node-3', ip: '10.244.3.2' },
} as const satisfies Record<string, { node: NodeName; ip: string }>
export type PodName = keyof typeof pods
export const podNames = Object.keys(pods) as PodName[]

export type Party = PodName | NodeName | 'host'
export const hostIp = '172.30.0.2'
export const podPorts = [8080, 8081] as const
export const nodePorts = [9090] as const
/** There pods answer TCP as often as asked, on one connection (`Dial.socket`). */
export const keptPort = 8082

/** What one party sees when it connects (TCP) or sends a datagram (UDP). */
export type Outcome =
  /** ECONNREFUSED at once. */
  | 'refused'
  /** Silence. */
  | 'timeout'
  /** No way there. */
  | 'unreachable'
  | Answered

export interface Answered {
  /** Over many connections exactly these answer: `a1:8080`. */
  readonly by: readonly string[]
  /** Which address they see; absent: not looked at. */
  readonly seenAs?: string
  /** All connections of this dial reach the same one of `by`. */
  readonly sticky?: true
}

export interface Dial {
  readonly from: Party
  /** `address:port`; of several, one after the other. */
  readonly to: string | readonly string[]
  readonly protocol?: Protocol
  /** Answered dials connect so often; enough to meet every endpoint (default 40). */
  readonly times?: number
  /** Keeps one socket for all steps of the case under this name: UDP, or TCP to `keptPort`. The source port stays. */
  readonly socket?: string
  readonly expect: Outcome
}

export interface ClusterState {
  readonly services: readonly Service[]
  readonly slices: readonly EndpointSlice[]
  /** Zone labels of nodes. */
  readonly zones?: Readonly<Partial<Record<NodeName, string>>>
}

/** A state, and what must be seen in it. Steps follow one another, as changes of a live cluster. */
export interface Step extends ClusterState {
  /** Nobody dials for so long first. Only for promises about time itself. */
  readonly idleMs?: number
  /** From this step on Service addresses come from these ranges. */
  readonly serviceCidrs?: readonly string[]
  /** Before this step the proxies of all nodes are started anew: they know nothing of what they wrote. */
  readonly proxiesRestart?: true
  readonly dials: readonly Dial[]
}

export interface PacketCase {
  readonly name: string
  /** Rows of the decision table and traps that this case proves (`coverage.ts`). */
  readonly covers: readonly string[]
  /** How the nodes of this case differ from others: `podCidr: undefined` switches local detection off. */
  readonly traffic?: TrafficOptions
  readonly steps: readonly Step[]
}

export interface TrafficOptions {
  readonly podCidr?: undefined
  readonly masqueradeAll?: boolean
  readonly nodePortAddresses?: readonly string[]
  /** An address that node-3 has besides, as where load balancers hand over packets as they are; nodes know their own. */
  readonly boundVip?: string
}

/** @param rest steps, one after the other, and at most one set of options for the nodes */
export function packetCase(
  name: string,
  covers: readonly string[],
  ...rest: readonly (Step | TrafficOptions)[]
): PacketCase {
  const isStep = (item: Step | TrafficOptions): item is Step => 'dials' in item
  const traffic = rest.find((item): item is TrafficOptions => !isStep(item))
  return { name, covers, steps: rest.filter(isStep), ...(traffic && { traffic }) }
}

export const vip = '10.96.0.100'
export const otherVip = '10.96.0.101'

export interface ServiceDraft extends Partial<Omit<ServiceSpec, 'ports' | 'clusterIP'>> {
  readonly name?: string
  readonly clusterIP?: string
  readonly ports?: readonly ServicePort[]
  readonly ingress?: NonNullable<NonNullable<NonNullable<Service['status']>['loadBalancer']>['ingress']>
  readonly labels?: Record<string, string>
}

/** A Service as the API server stores it: TCP port 80 to 8080 at `vip` unless said otherwise. */
export function service(draft: ServiceDraft = {}): Service {
  const { name = 'web', clusterIP = vip, ports = [httpPort()], ingress, labels, ...spec } = draft
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', ...(labels && { labels }) },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ...spec,
      ports: [...ports],
    },
    ...(ingress && { status: { loadBalancer: { ingress } } }),
  }
}

export const httpPort = (more: Partial<ServicePort> = {}): ServicePort => ({
  name: 'http',
  port: 80,
  targetPort: 8080,
  protocol: 'TCP',
  ...more,
})

export const udpPort = (more: Partial<ServicePort> = {}): ServicePort => ({
  name: 'dns',
  port: 53,
  targetPort: 8080,
  protocol: 'UDP',
  ...more,
})

export const sctpPort = (more: Partial<ServicePort> = {}): ServicePort => ({
  name: 'sig',
  port: 90,
  targetPort: 8080,
  protocol: 'SCTP',
  ...more,
})

export interface SliceDraft {
  readonly service?: string
  readonly name?: string
  readonly ports?: NonNullable<EndpointSlice['ports']>
  readonly endpoints: readonly (PodName | Endpoint)[]
  readonly labels?: Record<string, string>
}

/** An EndpointSlice: port `http`, 8080, ready pods, unless said otherwise. */
export function slice(draft: SliceDraft): EndpointSlice {
  const { service: owner = 'web', ports = [{ name: 'http', port: 8080, protocol: 'TCP' }], endpoints, labels } = draft
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: draft.name ?? `${owner}-1`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': owner, ...labels },
    },
    addressType: 'IPv4',
    ports,
    endpoints: endpoints.map((item) => (typeof item === 'string' ? endpoint(item) : item)),
  }
}

export const udpSlice = (draft: SliceDraft): EndpointSlice =>
  slice({ ...draft, ports: [{ name: 'dns', port: 8080, protocol: 'UDP' }] })

export const sctpSlice = (draft: SliceDraft): EndpointSlice =>
  slice({ ...draft, ports: [{ name: 'sig', port: 8080, protocol: 'SCTP' }] })

const conditions = {
  ready: { ready: true, serving: true, terminating: false },
  notReady: { ready: false, serving: false, terminating: false },
  draining: { ready: false, serving: true, terminating: true },
  terminated: { ready: false, serving: false, terminating: true },
  /** Serving but neither ready nor terminating: never used. */
  serving: { ready: false, serving: true, terminating: false },
  /** publishNotReadyAddresses keeps a terminating pod ready. */
  readyTerminating: { ready: true, serving: false, terminating: true },
} as const

export function endpoint(pod: PodName, condition: keyof typeof conditions = 'ready', more: Partial<Endpoint> = {}) {
  const { node, ip } = pods[pod]
  return { addresses: [ip], nodeName: node, conditions: conditions[condition], ...more } satisfies Endpoint
}

export const answeredBy = (by: readonly string[], seenAs?: string): Answered => ({
  by,
  ...(seenAs !== undefined && { seenAs }),
})

/** Dials from many parties that expect the same. */
export const from = (parties: readonly Party[], dial: Omit<Dial, 'from'>): Dial[] =>
  parties.map((party) => ({ ...dial, from: party }))
