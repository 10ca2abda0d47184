/** From one form of a Service to another: what is allocated, kept, cleared, released, refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openTestServer, type TestServer } from '../open-test-server.ts'

const services = '/api/v1/namespaces/default/services'
const addresses = '/apis/networking.k8s.io/v1/ipaddresses'
const merge = { contentType: 'application/merge-patch+json' }

const ranges = {
  single: ['10.96.0.0/24'],
  dual: ['10.96.0.0/24', 'fd00:96::/112'],
  six: ['fd00:96::/112', '10.96.0.0/24'],
}
type Cluster = keyof typeof ranges

async function open(cluster: Cluster): Promise<TestServer> {
  const server = await openTestServer()
  const object = { metadata: { name: 'kubernetes' }, spec: { cidrs: ranges[cluster] } }
  await server.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', object)
  return server
}

interface Story {
  readonly name: string
  readonly cluster?: Cluster
  readonly create: object
  /** Merge patches of the spec, one after the other; `null` removes. */
  readonly change?: readonly object[]
  /** `field: message` of the last request when it is refused. */
  readonly refused?: readonly string[]
  /** What the spec says in the end; `undefined` for a field that is not there. */
  readonly expected?: object
  /** Families of the IPAddress objects that are there in the end. Default: of none. */
  readonly held?: readonly string[]
}

const ports = [{ port: 80 }]
const nodePort = { type: 'NodePort', clusterIP: '10.96.0.5', ports: [{ port: 80, nodePort: 30080 }] }
const balancer = { ...nodePort, type: 'LoadBalancer' }
const local = { ...balancer, externalTrafficPolicy: 'Local', healthCheckNodePort: 31000 }
const external = { type: 'ExternalName', externalName: 'a.example' }
const onePort = (more: object) => [{ port: 80, protocol: 'TCP', targetPort: 80, ...more }]

const typeStories: readonly Story[] = [
  {
    name: 'defaults of a ClusterIP Service',
    create: { clusterIP: '10.96.0.5', ports },
    expected: {
      type: 'ClusterIP',
      clusterIPs: ['10.96.0.5'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: onePort({}),
      externalTrafficPolicy: undefined,
      allocateLoadBalancerNodePorts: undefined,
      publishNotReadyAddresses: undefined,
    },
    held: ['IPv4'],
  },
  {
    name: 'defaults of a LoadBalancer Service',
    create: balancer,
    expected: {
      allocateLoadBalancerNodePorts: true,
      externalTrafficPolicy: 'Cluster',
      ports: onePort({ nodePort: 30080 }),
    },
    held: ['IPv4'],
  },
  {
    name: 'ClientIP affinity lasts three hours by default',
    create: { clusterIP: '10.96.0.5', ports, sessionAffinity: 'ClientIP' },
    expected: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } },
    held: ['IPv4'],
  },
  {
    name: 'affinity None clears its settings',
    create: { clusterIP: '10.96.0.5', ports, sessionAffinity: 'ClientIP' },
    change: [{ sessionAffinity: 'None' }],
    expected: { sessionAffinity: 'None', sessionAffinityConfig: undefined },
    held: ['IPv4'],
  },
  {
    name: 'ClusterIP to ExternalName: the address goes',
    create: { clusterIP: '10.96.0.5', ports, selector: { app: 'a' } },
    change: [external],
    expected: {
      clusterIP: undefined,
      clusterIPs: undefined,
      ipFamilies: undefined,
      ipFamilyPolicy: undefined,
      internalTrafficPolicy: undefined,
      selector: { app: 'a' },
      ports: onePort({}),
    },
  },
  {
    name: 'NodePort to ExternalName: node port and address go',
    create: nodePort,
    change: [external],
    expected: { clusterIP: undefined, externalTrafficPolicy: undefined, ports: onePort({}) },
  },
  {
    name: 'ExternalName to ClusterIP: an address comes, the name stays',
    create: external,
    change: [{ type: 'ClusterIP', clusterIP: '10.96.0.9', ports }],
    expected: {
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      internalTrafficPolicy: 'Cluster',
      externalName: 'a.example',
    },
    held: ['IPv4'],
  },
  {
    name: 'ExternalName to NodePort: address and node port come',
    create: { ...external, ports },
    change: [{ type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30081 }] }],
    expected: { clusterIPs: ['10.96.0.9'], externalTrafficPolicy: 'Cluster', ports: onePort({ nodePort: 30081 }) },
    held: ['IPv4'],
  },
  {
    name: 'NodePort to ClusterIP: the node port goes, the address stays',
    create: nodePort,
    change: [{ type: 'ClusterIP' }],
    expected: { clusterIP: '10.96.0.5', ports: onePort({}), externalTrafficPolicy: undefined },
    held: ['IPv4'],
  },
  {
    name: 'NodePort to ClusterIP with another node port is refused',
    create: nodePort,
    change: [{ type: 'ClusterIP', ports: [{ port: 80, nodePort: 30081 }] }],
    refused: ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    held: ['IPv4'],
  },
  {
    name: 'LoadBalancer to NodePort: the node ports stay',
    create: balancer,
    change: [{ type: 'NodePort' }],
    expected: {
      ports: onePort({ nodePort: 30080 }),
      allocateLoadBalancerNodePorts: undefined,
      externalTrafficPolicy: 'Cluster',
    },
    held: ['IPv4'],
  },
  {
    name: 'LoadBalancer with Local to Cluster: the health check port goes',
    create: local,
    change: [{ externalTrafficPolicy: 'Cluster' }],
    expected: { healthCheckNodePort: undefined, ports: onePort({ nodePort: 30080 }) },
    held: ['IPv4'],
  },
  {
    name: 'LoadBalancer with Local to ClusterIP: all of it goes',
    create: { ...local, loadBalancerClass: 'a.example/b', loadBalancerIP: '192.0.2.1' },
    change: [{ type: 'ClusterIP' }],
    expected: {
      healthCheckNodePort: undefined,
      externalTrafficPolicy: undefined,
      allocateLoadBalancerNodePorts: undefined,
      loadBalancerClass: undefined,
      loadBalancerIP: '192.0.2.1',
      ports: onePort({}),
    },
    held: ['IPv4'],
  },
  {
    name: 'the health check port stays while it is needed',
    create: local,
    change: [{ healthCheckNodePort: 31001 }],
    refused: ['spec.healthCheckNodePort: Forbidden: field is immutable'],
    held: ['IPv4'],
  },
  {
    name: 'LoadBalancer to ClusterIP with source ranges is refused until they are removed',
    create: { ...balancer, loadBalancerSourceRanges: ['10.0.0.0/8'] },
    change: [{ type: 'ClusterIP' }],
    refused: ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    held: ['IPv4'],
  },
  {
    name: 'ClusterIP without its external addresses: the external policy goes',
    create: { clusterIP: '10.96.0.5', ports, externalIPs: ['192.0.2.1'] },
    change: [{ externalIPs: null }],
    expected: { externalTrafficPolicy: undefined },
    held: ['IPv4'],
  },
  {
    name: 'a headless Service gets no address later',
    create: { clusterIP: 'None', ports, selector: { app: 'a' } },
    change: [{ clusterIP: '10.96.0.5' }],
    refused: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.5"]: may not change once set'],
  },
  {
    name: 'headless to ExternalName',
    create: { clusterIP: 'None', ports, selector: { app: 'a' } },
    change: [external],
    expected: { clusterIP: undefined, clusterIPs: undefined, ipFamilies: undefined },
  },
  {
    name: 'headless to not headless, through ExternalName',
    create: { clusterIP: 'None', ports, selector: { app: 'a' } },
    change: [external, { type: 'ClusterIP', externalName: null, clusterIP: '10.96.0.6' }],
    expected: { clusterIPs: ['10.96.0.6'] },
    held: ['IPv4'],
  },
  {
    name: 'an address is not exchanged',
    create: { clusterIP: '10.96.0.5', ports },
    change: [{ clusterIP: '10.96.0.6' }],
    refused: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set'],
    held: ['IPv4'],
  },
  {
    name: 'the class of a load balancer is changed by way of another type',
    create: { ...balancer, loadBalancerClass: 'a.example/b' },
    change: [{ type: 'ClusterIP' }, { type: 'LoadBalancer', loadBalancerClass: 'a.example/c' }],
    expected: { loadBalancerClass: 'a.example/c' },
    held: ['IPv4'],
  },
  {
    name: 'a load balancer without a class does not get one',
    create: balancer,
    change: [{ loadBalancerClass: 'a.example/c' }],
    refused: ['spec.loadBalancerClass: Invalid value: "a.example/c": may not change once set'],
    held: ['IPv4'],
  },
  {
    name: 'a load balancer without node ports',
    create: { type: 'LoadBalancer', clusterIP: '10.96.0.5', ports, allocateLoadBalancerNodePorts: false },
    expected: { ports: onePort({}) },
    held: ['IPv4'],
  },
  {
    name: 'no more node ports wanted: those there are stay',
    create: balancer,
    change: [{ allocateLoadBalancerNodePorts: false }],
    expected: { ports: onePort({ nodePort: 30080 }) },
    held: ['IPv4'],
  },
  {
    name: 'no more node ports wanted, and the port given up',
    create: balancer,
    change: [{ allocateLoadBalancerNodePorts: false, ports: [{ port: 80, nodePort: 0 }] }],
    expected: { ports: onePort({}) },
    held: ['IPv4'],
  },
  {
    name: 'the distribution of traffic is changed and cleared at any time',
    create: { clusterIP: '10.96.0.5', ports, trafficDistribution: 'PreferSameZone' },
    change: [{ trafficDistribution: 'PreferSameNode' }, { trafficDistribution: null }],
    expected: { trafficDistribution: undefined },
    held: ['IPv4'],
  },
  {
    name: 'an empty selector is none',
    create: { clusterIP: '10.96.0.5', ports, selector: {} },
    expected: { selector: undefined },
    held: ['IPv4'],
  },
]

const two = { ipFamilies: ['IPv4', 'IPv6'] }

const stackStories: readonly Story[] = [
  {
    name: 'nothing said: one address, of the primary family',
    cluster: 'six',
    create: { ports },
    expected: { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' },
    held: ['IPv6'],
  },
  {
    name: 'required: two addresses',
    cluster: 'dual',
    create: { ports, ipFamilyPolicy: 'RequireDualStack' },
    expected: two,
    held: ['IPv4', 'IPv6'],
  },
  {
    name: 'preferred, the second family first',
    cluster: 'dual',
    create: { ports, ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] },
    expected: { ipFamilies: ['IPv6', 'IPv4'] },
    held: ['IPv4', 'IPv6'],
  },
  {
    name: 'both addresses by name',
    cluster: 'dual',
    create: {
      ports,
      ipFamilyPolicy: 'RequireDualStack',
      clusterIP: 'fd00:96::5',
      clusterIPs: ['fd00:96::5', '10.96.0.5'],
    },
    expected: { ipFamilies: ['IPv6', 'IPv4'], clusterIPs: ['fd00:96::5', '10.96.0.5'] },
    held: ['IPv4', 'IPv6'],
  },
  {
    name: 'one to two: the first address stays',
    cluster: 'dual',
    create: { ports, clusterIP: '10.96.0.5' },
    change: [{ ipFamilyPolicy: 'RequireDualStack' }],
    expected: { ...two, clusterIP: '10.96.0.5' },
    held: ['IPv4', 'IPv6'],
  },
  {
    name: 'two to one: the second address is given back',
    cluster: 'dual',
    create: { ports, clusterIP: '10.96.0.5', ipFamilyPolicy: 'PreferDualStack' },
    change: [{ ipFamilyPolicy: 'SingleStack' }],
    expected: { ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.5'] },
    held: ['IPv4'],
  },
  {
    name: 'the second family is not released silently',
    cluster: 'dual',
    create: { ports, clusterIP: '10.96.0.5', ipFamilyPolicy: 'RequireDualStack' },
    change: [{ ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.5'] }],
    refused: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP',
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary IP family',
    ],
    held: ['IPv4', 'IPv6'],
  },
  {
    name: 'everything is told at once, families that no cluster has included',
    create: { ports: [{ port: 0, targetPort: 1 }], ipFamilies: ['IPv5'] },
    refused: [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
    ],
  },
  {
    name: 'a family alone is not released silently either',
    cluster: 'dual',
    create: { ports, ipFamilyPolicy: 'PreferDualStack' },
    change: [{ ipFamilies: ['IPv4'] }],
    refused: [
      'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary IP family',
    ],
    held: ['IPv4', 'IPv6'],
  },
  {
    name: 'the order of families stays',
    cluster: 'dual',
    create: { ports, ipFamilyPolicy: 'RequireDualStack' },
    change: [{ ipFamilies: ['IPv6', 'IPv4'] }],
    held: ['IPv4', 'IPv6'],
    refused: [
      'spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set',
      'spec.clusterIPs[0]: Invalid value',
      'spec.clusterIPs[1]: Invalid value',
    ],
  },
  {
    name: 'two families to ExternalName and back to one',
    cluster: 'dual',
    create: { ports, ipFamilyPolicy: 'RequireDualStack' },
    change: [external, { type: 'ClusterIP' }],
    expected: { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    held: ['IPv4'],
  },
  {
    name: 'headless without selector has both families on a single-stack cluster too',
    create: { clusterIP: 'None', ports },
    expected: { ...two, ipFamilyPolicy: 'RequireDualStack', clusterIPs: ['None'] },
  },
  {
    name: 'required on a single-stack cluster',
    create: { ports, ipFamilyPolicy: 'RequireDualStack' },
    refused: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  },
]

for (const [what, stories] of Object.entries({ types: typeStories, families: stackStories })) {
  describe(`a Service and its ${what}`, () => {
    for (const story of stories) it(story.name, () => tell(story))
  })
}

async function tell({
  cluster = 'single',
  create,
  change = [],
  refused,
  expected = {},
  held = [],
}: Story): Promise<void> {
  await using server = await open(cluster)
  let answer = await server.call('POST', services, { metadata: { name: 'web' }, spec: create })
  for (const spec of change) {
    assert.ok(answer.status < 300, JSON.stringify(answer.object))
    answer = await server.call('PATCH', `${services}/web`, { spec }, merge)
  }
  const kept = (await server.call('GET', addresses)).object.items
  assert.deepEqual(kept.map(familyOf).toSorted(), held)
  if (refused) {
    assert.equal(answer.status, 422, JSON.stringify(answer.object))
    const causes = answer.object.details.causes as { field: string; message: string }[]
    const found = causes.map(({ field, message }) => `${field}: ${message}`)
    assert.deepEqual(
      found.map((text, index) => text.slice(0, refused[index]?.length ?? text.length)),
      refused,
    )
    return
  }
  assert.ok(answer.status < 300, JSON.stringify(answer.object))
  const { spec } = answer.object
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, spec[key]])), expected)
  await checkReleases(server, spec)
}

const familyOf = ({ metadata }: { metadata: { labels: Record<string, string> } }) =>
  metadata.labels['ipaddress.kubernetes.io/ip-family']

/** Every number that the stories use is either held by the Service, or free. */
async function checkReleases(
  server: TestServer,
  spec: { ports?: { nodePort?: number }[]; healthCheckNodePort?: number },
) {
  const holds = new Set([...(spec.ports ?? []).map(({ nodePort }) => nodePort), spec.healthCheckNodePort])
  for (const nodePort of [30080, 30081, 31000]) {
    const other = { metadata: { name: `p-${nodePort}` }, spec: { type: 'NodePort', ports: [{ port: 1, nodePort }] } }
    const { status } = await server.call('POST', services, other)
    assert.equal(status, holds.has(nodePort) ? 422 : 201, `node port ${nodePort}`)
  }
}
