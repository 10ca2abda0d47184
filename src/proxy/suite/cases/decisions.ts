/** The decision table crossed with states of the endpoints, protocols and clients. */
import {
  decisionRow,
  frontEnds,
  matchDecision,
  policies,
  protocols,
  type FrontEnd,
  type Policy,
  type Source,
} from '../decision-table.ts'
import {
  endpoint,
  hostIp,
  httpPort,
  nodes,
  packetCase,
  pods,
  sctpPort,
  sctpSlice,
  service,
  slice,
  udpPort,
  udpSlice,
  vip,
  type ClusterState,
  type Dial,
  type NodeName,
  type Outcome,
  type PacketCase,
  type Party,
  type PodName,
  type ServiceDraft,
} from '../packet-case.ts'
import type { Protocol } from '../../backend.ts'

export interface EndpointState {
  readonly name: string
  readonly endpoints: Parameters<typeof slice>[0]['endpoints']
  /** List C, and list L of the nodes that decide. */
  readonly c: readonly PodName[]
  readonly l: Readonly<Record<'node-1' | 'node-2', readonly PodName[]>>
}

export const endpointStates: readonly EndpointState[] = [
  {
    name: 'ready on every node',
    endpoints: ['a1', 'b1', 'c1'],
    c: ['a1', 'b1', 'c1'],
    l: { 'node-1': ['a1'], 'node-2': ['b1'] },
  },
  {
    name: 'ready on another node only',
    endpoints: ['c1', endpoint('a1', 'notReady')],
    c: ['c1'],
    l: { 'node-1': [], 'node-2': [] },
  },
  {
    name: 'draining here, ready elsewhere',
    endpoints: [endpoint('a1', 'draining'), 'c1'],
    c: ['c1'],
    l: { 'node-1': ['a1'], 'node-2': [] },
  },
  {
    name: 'all draining',
    endpoints: [endpoint('a1', 'draining'), endpoint('b1', 'draining')],
    c: ['a1', 'b1'],
    l: { 'node-1': ['a1'], 'node-2': ['b1'] },
  },
  {
    name: 'draining on another node only',
    endpoints: [endpoint('c1', 'draining'), endpoint('b1', 'terminated')],
    c: ['c1'],
    l: { 'node-1': [], 'node-2': [] },
  },
  {
    name: 'none that serves',
    endpoints: [endpoint('a1', 'notReady'), endpoint('b1', 'terminated'), endpoint('c1', 'serving')],
    c: [],
    l: { 'node-1': [], 'node-2': [] },
  },
]

/** Inside the Service range, so that the machine outside has a route: by node-1. */
export const external = '10.96.200.1'
export const decisionNodePort = 30080
const node1 = nodes['node-1'].internalIp

/** Who dials, and where it is decided: addresses of Services at the client's own node, node-1's port at node-1. */
const clients: readonly { readonly party: Party; readonly own: NodeName; readonly ip: string }[] = [
  { party: 'a2', own: 'node-1', ip: pods.a2.ip },
  { party: 'b2', own: 'node-2', ip: pods.b2.ip },
  { party: 'node-1', own: 'node-1', ip: node1 },
  { party: 'node-2', own: 'node-2', ip: nodes['node-2'].internalIp },
  { party: 'host', own: 'node-1', ip: hostIp },
]

export const frontTargets: Readonly<Record<FrontEnd, string>> = {
  ClusterIP: `${vip}:80`,
  NodePort: `${node1}:${decisionNodePort}`,
  externalIP: `${external}:80`,
  'LB-VIP': `${external}:80`,
}

const kindOf = (front: FrontEnd, party: Party, own: NodeName): Source => {
  if (party === 'host' || (front === 'NodePort' && own !== 'node-1')) return 'outside'
  return party === own ? 'node' : 'pod'
}

const portOf = { TCP: httpPort, UDP: udpPort, SCTP: sctpPort } as const
const sliceOf = { TCP: slice, UDP: udpSlice, SCTP: sctpSlice } as const

/** A Service with this front end and policy; the policy of the other direction is the opposite: it must not matter. */
export function serviceWith(front: FrontEnd, policy: Policy, protocol: Protocol, more: ServiceDraft = {}) {
  const opposite = policy === 'Local' ? 'Cluster' : 'Local'
  const port = { port: 80, ...(front !== 'externalIP' && front !== 'ClusterIP' && { nodePort: decisionNodePort }) }
  const ports = [portOf[protocol](port)]
  switch (front) {
    case 'ClusterIP':
      return service({ ports, internalTrafficPolicy: policy, ...more })
    case 'NodePort':
      return service({
        ports,
        type: 'NodePort',
        externalTrafficPolicy: policy,
        internalTrafficPolicy: opposite,
        ...more,
      })
    case 'externalIP':
      return service({
        ports,
        externalIPs: [external],
        externalTrafficPolicy: policy,
        internalTrafficPolicy: opposite,
        ...more,
      })
    case 'LB-VIP':
      return service({
        ports,
        type: 'LoadBalancer',
        ingress: [{ ip: external, ipMode: 'VIP' }],
        externalTrafficPolicy: policy,
        internalTrafficPolicy: opposite,
        ...more,
      })
    default:
      return front satisfies never
  }
}

export const stateWith = (
  one: ReturnType<typeof service>,
  protocol: Protocol,
  endpoints: EndpointState['endpoints'],
): ClusterState => ({
  services: [one],
  slices: [sliceOf[protocol]({ endpoints })],
})

interface Expected {
  readonly row: string
  readonly outcome: Outcome
}

function expectedFor(
  { front, policy, protocol }: { front: FrontEnd; policy: Policy; protocol: Protocol },
  state: EndpointState,
  client: (typeof clients)[number],
): Expected {
  const decider = front === 'NodePort' ? 'node-1' : (client.own as 'node-1' | 'node-2')
  const local = state.l[decider]
  const source = kindOf(front, client.party, client.own)
  const { when, result } = matchDecision({
    front,
    policy,
    source,
    hasC: state.c.length > 0,
    hasL: local.length > 0,
  })
  const row = decisionRow({ front, policy, when, source, protocol })
  if (result === 'refused') return { row, outcome: 'refused' }
  if (result === 'dropped') return { row, outcome: 'timeout' }
  const by = (result.list === 'C' ? state.c : local).map((pod) => `${pod}:8080`)
  return { row, outcome: { by, seenAs: result.source === 'kept' ? client.ip : nodes[decider].internalIp } }
}

function decisionCase(front: FrontEnd, policy: Policy, state: EndpointState, protocol: Protocol): PacketCase {
  const expected = clients.map((client) => ({ client, ...expectedFor({ front, policy, protocol }, state, client) }))
  const dials: Dial[] = expected.map(({ client, outcome }) => ({
    from: client.party,
    to: frontTargets[front],
    protocol,
    expect: outcome,
  }))
  const own = expected.find(({ client }) => client.party === 'node-1')!
  // The loopback address is one of the node's own: the node asks itself.
  if (front === 'NodePort') {
    dials.push({ from: 'node-1', to: `127.0.0.1:${decisionNodePort}`, protocol, expect: own.outcome })
  }
  return packetCase(
    `${front}, policy ${policy}, ${protocol}, endpoints ${state.name}`,
    [...new Set(expected.map(({ row }) => row)), ...(protocol === 'SCTP' ? ['SCTP'] : [])],
    { ...stateWith(serviceWith(front, policy, protocol), protocol, state.endpoints), dials },
  )
}

export const decisionCases: readonly PacketCase[] = frontEnds.flatMap((front) =>
  policies.flatMap((policy) =>
    endpointStates.flatMap((state) => protocols.map((protocol) => decisionCase(front, policy, state, protocol))),
  ),
)
