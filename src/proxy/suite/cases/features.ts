/** Features that must work behind every front end: affinity, topology hints, hairpin, masquerading, source ranges. */
import { frontEnds, policies, protocols, type FrontEnd, type Policy } from '../decision-table.ts'
import {
  endpoint,
  hostIp,
  nodes,
  packetCase,
  pods,
  type Dial,
  type Outcome,
  type PacketCase,
  type Party,
} from '../packet-case.ts'
import type { Protocol } from '../../backend.ts'
import { decisionNodePort, external, frontTargets, serviceWith, stateWith } from './decisions.ts'

const node1 = nodes['node-1'].internalIp
const names = (...podNames: string[]) => podNames.map((name) => `${name}:8080`)
const affinity = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } } as const

/** What each front end shows of a pod's address to the endpoint, by policy. */
const podSeenAs = (front: FrontEnd, policy: Policy) =>
  front === 'ClusterIP' || policy === 'Local' ? pods.a2.ip : node1

/** Every case below: one front end, one protocol. */
const eachFront = (
  fronts: readonly FrontEnd[],
  make: (front: FrontEnd, protocol: Protocol) => PacketCase | readonly PacketCase[],
): PacketCase[] => fronts.flatMap((front) => protocols.flatMap((protocol) => make(front, protocol)))

const affinityCases = eachFront(frontEnds, (front, protocol) =>
  policies.map((policy) => {
    const local = policy === 'Local'
    const to = frontTargets[front]
    // Inside clients go to list C on external front ends; only a ClusterIP's own policy keeps them on their node.
    const forPod = names(...(local && front === 'ClusterIP' ? ['a1', 'a2'] : ['a1', 'a2', 'b1']))
    const forHost = names(...(local ? ['a1', 'a2'] : ['a1', 'a2', 'b1']))
    const from = (party: Party, by: readonly string[]): Dial => ({
      from: party,
      to,
      protocol,
      times: 20,
      expect: { by, sticky: true },
    })
    return packetCase(`affinity by ${front}, policy ${policy}, ${protocol}`, ['affinity: sticks'], {
      ...stateWith(serviceWith(front, policy, protocol, affinity), protocol, ['a1', 'a2', 'b1']),
      dials: [from('node-1', forPod), from('host', forHost)],
    })
  }),
)

const forZone = (name: string) => ({ hints: { forZones: [{ name }] } })
const forNode = (name: string) => ({ hints: { forNodes: [{ name }] } })
const zones = { 'node-1': 'east', 'node-2': 'west', 'node-3': 'west' } as const

const topologyCases = eachFront(frontEnds, (front, protocol) => {
  const to = frontTargets[front]
  const seenAs = podSeenAs(front, 'Cluster')
  const dial = (...by: string[]): Dial => ({ from: 'a2', to, protocol, expect: { by: names(...by), seenAs } })
  const state = (...endpoints: Parameters<typeof stateWith>[2][number][]) =>
    stateWith(serviceWith(front, 'Cluster', protocol), protocol, endpoints)
  return [
    packetCase(`node hints by ${front}, ${protocol}`, ['topology: node hints'], {
      ...state(endpoint('b1', 'ready', forNode('node-1')), endpoint('c1', 'ready', forNode('node-3'))),
      dials: [dial('b1')],
    }),
    packetCase(`zone hints by ${front}, ${protocol}`, ['topology: zone hints'], {
      ...state(endpoint('b1', 'ready', forZone('east')), endpoint('c1', 'ready', forZone('west'))),
      zones,
      dials: [dial('b1')],
    }),
    packetCase(
      `node hints before zone hints by ${front}, ${protocol}`,
      ['topology: node hints', 'topology: zone hints'],
      {
        ...state(
          endpoint('b1', 'ready', { hints: { ...forNode('node-1').hints, ...forZone('west').hints } }),
          endpoint('c1', 'ready', { hints: { ...forNode('node-3').hints, ...forZone('east').hints } }),
        ),
        zones,
        dials: [dial('b1')],
      },
    ),
    packetCase(
      `hints that leave nobody for this node do not count, by ${front}, ${protocol}`,
      ['topology: zone hints', 'topology: hints for others only'],
      {
        ...state(endpoint('b1', 'ready', forZone('north')), endpoint('c1', 'ready', forZone('west'))),
        zones,
        dials: [dial('b1', 'c1')],
      },
    ),
  ]
})

const hairpinCases = eachFront(frontEnds, (front, protocol) =>
  policies.map((policy) =>
    packetCase(`an endpoint reaches itself by ${front}, policy ${policy}, ${protocol}`, ['hairpin'], {
      ...stateWith(serviceWith(front, policy, protocol), protocol, ['a1']),
      dials: [
        { from: 'a1', to: frontTargets[front], protocol, expect: { by: names('a1'), seenAs: node1 } },
        {
          from: 'a2',
          to: frontTargets[front],
          protocol,
          expect: { by: names('a1'), seenAs: podSeenAs(front, policy) },
        },
      ],
    }),
  ),
)

const masqueradeCases = eachFront(frontEnds, (front, protocol) => [
  packetCase(
    `masqueradeAll by ${front}, ${protocol}`,
    ['masqueradeAll'],
    {
      ...stateWith(serviceWith(front, 'Cluster', protocol), protocol, ['a1', 'b1']),
      dials: [{ from: 'a2', to: frontTargets[front], protocol, expect: { by: names('a1', 'b1'), seenAs: node1 } }],
    },
    { masqueradeAll: true },
  ),
  packetCase(
    `pods not told apart, by ${front}, ${protocol}`,
    ['local detection off'],
    {
      ...stateWith(serviceWith(front, 'Local', protocol), protocol, ['a1', 'b1']),
      dials: [
        {
          from: 'a2',
          to: frontTargets[front],
          protocol,
          // A pod is nobody special then: treated as what comes from outside.
          expect: { by: names('a1'), seenAs: pods.a2.ip },
        },
      ],
    },
    { podCidr: undefined },
  ),
])

const rangeCases = protocols.flatMap((protocol) =>
  policies.flatMap((policy) => {
    const state = (ranges: string[], ...endpoints: Parameters<typeof stateWith>[2][number][]) =>
      stateWith(serviceWith('LB-VIP', policy, protocol, { loadBalancerSourceRanges: ranges }), protocol, endpoints)
    const to = `${external}:80`
    const dial = (party: Party, expect: Outcome, target = to): Dial => ({ from: party, to: target, protocol, expect })
    const label = `policy ${policy}, ${protocol}`
    const tag = 'LB-VIP, source ranges: dropped outside them'
    const nodePort = `${node1}:${decisionNodePort}`
    return [
      packetCase(`source ranges for the machine outside, ${label}`, [tag], {
        ...state([`${hostIp}/32`], 'a1'),
        dials: [
          dial('host', { by: names('a1'), seenAs: policy === 'Local' ? hostIp : node1 }),
          dial('a2', 'timeout'),
          dial('node-2', 'timeout'),
          dial('node-2', { by: names('a1') }, nodePort),
        ],
      }),
      packetCase(`source ranges for pods, ${label}`, [tag], {
        ...state(['10.244.0.0/16', '10.244.1.0/24'], 'a1', 'b1'),
        dials: [dial('a2', { by: names('a1', 'b1') }), dial('host', 'timeout'), dial('node-1', 'timeout')],
      }),
      packetCase(
        `source ranges and nobody to answer, ${label}`,
        ['LB-VIP, source ranges, none: dropped outside them, refused inside'],
        {
          ...state(['10.244.1.0/24']),
          dials: [dial('a2', 'refused'), dial('b2', 'timeout'), dial('host', 'timeout')],
        },
      ),
      packetCase(`source ranges before the missing local endpoint, ${label}`, [tag, 'LB-VIP, Local'], {
        ...state([`${hostIp}/32`, '10.244.1.0/24'], 'b1'),
        dials: [
          dial('host', policy === 'Local' ? 'timeout' : { by: names('b1') }),
          dial('a2', { by: names('b1') }),
          dial('b2', 'timeout'),
        ],
      }),
    ]
  }),
)

const limitedNodePorts = protocols.map((protocol) =>
  packetCase(
    `node ports only at chosen addresses, ${protocol}`,
    ['nodePortAddresses'],
    {
      ...stateWith(serviceWith('NodePort', 'Cluster', protocol), protocol, ['a1']),
      dials: [
        { from: 'host', to: frontTargets.NodePort, protocol, expect: { by: names('a1') } },
        { from: 'host', to: `${nodes['node-2'].internalIp}:${decisionNodePort}`, protocol, expect: 'refused' },
        { from: 'node-1', to: `127.0.0.1:${decisionNodePort}`, protocol, expect: 'refused' },
      ],
    },
    { nodePortAddresses: [`${node1}/32`] },
  ),
)

export const featureCases: readonly PacketCase[] = [
  ...affinityCases,
  ...topologyCases,
  ...hairpinCases,
  ...masqueradeCases,
  ...rangeCases,
  ...limitedNodePorts,
]
