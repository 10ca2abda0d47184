/** Which endpoints count. */
import {
  endpoint,
  from,
  packetCase,
  service,
  slice,
  vip,
  type ClusterState,
  type Outcome,
  type Party,
} from '../packet-case.ts'

const to = `${vip}:80`
const dialsFrom = (party: Party, expect: Outcome) => [{ from: party, to, expect }]
const withEndpoints = (...endpoints: Parameters<typeof slice>[0]['endpoints']): ClusterState => ({
  services: [service()],
  slices: [slice({ endpoints })],
})

const forZone = (name: string) => ({ hints: { forZones: [{ name }] } })
const forNode = (name: string) => ({ hints: { forNodes: [{ name }] } })
const zones = { 'node-1': 'east', 'node-2': 'west', 'node-3': 'west' } as const

export const endpointCases = [
  packetCase('an endpoint that is not ready gets nothing', ['endpoints: not ready ones unused'], {
    ...withEndpoints('a1', endpoint('b1', 'notReady'), endpoint('c1', 'terminated')),
    dials: dialsFrom('a2', { by: ['a1:8080'] }),
  }),
  packetCase(
    'only endpoints that are not ready: refused',
    ['endpoints: not ready ones unused', 'ClusterIP, none: refused'],
    {
      ...withEndpoints(endpoint('b1', 'notReady'), endpoint('c1', 'terminated')),
      dials: from(['a2', 'node-1'], { to, expect: 'refused' }),
    },
  ),
  packetCase(
    'draining endpoints serve while nobody is ready',
    ['endpoints: draining only without ready ones'],
    {
      ...withEndpoints(endpoint('b1', 'draining'), endpoint('c1', 'draining')),
      dials: dialsFrom('a2', { by: ['b1:8080', 'c1:8080'] }),
    },
    { ...withEndpoints('a1', endpoint('b1', 'draining')), dials: dialsFrom('a2', { by: ['a1:8080'] }) },
  ),
  packetCase(
    'serving, not ready and not terminating is never used',
    ['endpoints: serving but not terminating never used'],
    {
      ...withEndpoints(endpoint('b1', 'serving')),
      dials: dialsFrom('a2', 'refused'),
    },
  ),
  packetCase('ready although terminating is used as any other', ['endpoints: ready and terminating used'], {
    ...withEndpoints('a1', endpoint('b1', 'readyTerminating')),
    dials: dialsFrom('a2', { by: ['a1:8080', 'b1:8080'] }),
  }),
  packetCase('conditions left out mean ready', ['endpoints: ready and terminating used'], {
    ...withEndpoints({ addresses: ['10.244.1.2'], nodeName: 'node-1' }),
    dials: dialsFrom('a2', { by: ['a1:8080'] }),
  }),
  packetCase('an endpoint in two slices counts once, ready wins', ['endpoints: several slices, repeats'], {
    services: [service()],
    slices: [
      slice({ name: 'web-1', endpoints: [endpoint('a1', 'notReady'), 'b1'] }),
      slice({ name: 'web-2', endpoints: ['a1', 'b1'] }),
    ],
    dials: dialsFrom('c1', { by: ['a1:8080', 'b1:8080'] }),
  }),
  packetCase('slices without the port name count as no endpoints', ['endpoints: no port of that name'], {
    services: [service()],
    slices: [
      slice({ name: 'web-1', endpoints: ['a1'], ports: [{ name: 'other', port: 8080, protocol: 'TCP' }] }),
      slice({ name: 'web-2', endpoints: ['b1'], ports: [{ name: 'http', protocol: 'TCP' }] }),
      slice({ name: 'web-3', endpoints: ['c1'], ports: [{ name: 'http', port: 8080, protocol: 'UDP' }] }),
    ],
    dials: dialsFrom('a2', 'refused'),
  }),
  packetCase('endpoints hinted to the node are preferred', ['topology: node hints'], {
    ...withEndpoints(endpoint('a1', 'ready', forNode('node-1')), endpoint('b1', 'ready', forNode('node-2'))),
    dials: [
      ...dialsFrom('a2', { by: ['a1:8080'] }),
      ...dialsFrom('b2', { by: ['b1:8080'] }),
      ...dialsFrom('c1', { by: ['a1:8080', 'b1:8080'] }),
    ],
  }),
  packetCase(
    'endpoints hinted to the zone are preferred',
    ['topology: zone hints', 'topology: node without zone'],
    {
      ...withEndpoints(endpoint('a1', 'ready', forZone('east')), endpoint('b1', 'ready', forZone('west'))),
      zones,
      dials: [
        ...dialsFrom('a2', { by: ['a1:8080'] }),
        ...dialsFrom('b2', { by: ['b1:8080'] }),
        ...dialsFrom('node-3', { by: ['b1:8080'] }),
      ],
    },
    {
      ...withEndpoints(endpoint('a1', 'ready', forZone('east')), endpoint('b1', 'ready', forZone('west'))),
      dials: dialsFrom('a2', { by: ['a1:8080', 'b1:8080'] }),
    },
  ),
  packetCase('one endpoint without a hint switches hints off', ['topology: one endpoint without hint'], {
    ...withEndpoints(endpoint('a1', 'ready', forZone('east')), endpoint('b1', 'ready', forZone('west')), 'c1'),
    zones,
    dials: dialsFrom('a2', { by: ['a1:8080', 'b1:8080', 'c1:8080'] }),
  }),
  packetCase(
    'hints of draining endpoints are ignored',
    ['topology: not for draining ones', 'endpoints: draining only without ready ones'],
    {
      ...withEndpoints(endpoint('b1', 'draining', forZone('west')), endpoint('c1', 'draining', forZone('west'))),
      zones,
      dials: dialsFrom('a2', { by: ['b1:8080', 'c1:8080'] }),
    },
  ),
]
