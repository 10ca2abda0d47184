/** What a server does around a Service: pools, dry runs, deletion, status, old forms, repair. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { silentLog } from '#observe/log.ts'
import { openMetrics } from '#observe/metrics.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import { openTestServer, type TestServer } from '../open-test-server.ts'
import { createNodePorts } from './node-ports.ts'
import { createNodePortRepair } from './repair-node-ports.ts'

const services = '/api/v1/namespaces/default/services'
const addresses = '/apis/networking.k8s.io/v1/ipaddresses'
const cidrs = '/apis/networking.k8s.io/v1/servicecidrs'
const merge = { contentType: 'application/merge-patch+json' }
const strategic = { contentType: 'application/strategic-merge-patch+json' }

type Options = Parameters<typeof openTestServer>[0]

async function open(range = '10.96.0.0/24', options: Options = {}): Promise<TestServer> {
  const server = await openTestServer(options)
  await server.call('POST', cidrs, { metadata: { name: 'kubernetes' }, spec: { cidrs: [range] } })
  return server
}

const service = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { ports: [{ port: 80 }], ...spec },
})
const namesAt = async (server: TestServer, path: string): Promise<string[]> =>
  (await server.call('GET', path)).object.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)

async function addRange(server: TestServer, name: string, cidr: string, ready = 'True'): Promise<void> {
  await server.call('POST', cidrs, { metadata: { name }, spec: { cidrs: [cidr] } })
  const condition = {
    type: 'Ready',
    status: ready,
    reason: '',
    message: '',
    lastTransitionTime: '2026-01-02T03:04:05Z',
  }
  const { status } = await server.call(
    'PATCH',
    `${cidrs}/${name}/status`,
    { status: { conditions: [condition] } },
    merge,
  )
  assert.equal(status, 200)
}

describe('ranges of cluster IPs', () => {
  it('are used until full, and then a new one', async () => {
    await using server = await open('10.96.0.0/29')
    const create = (i: number) => server.call('POST', services, service(`s-${i}`))
    for (let i = 0; i < 6; i++) assert.equal((await create(i)).status, 201)
    const full = await create(6)
    assert.equal(full.status, 500)
    assert.match(full.object.message, /failed to allocate a serviceIP for Service "s-6": range is full/)
    await addRange(server, 'late', '10.97.0.0/29', 'Unknown')
    assert.equal((await create(6)).status, 500, 'a range that is not ready')
    await addRange(server, 'more', '10.98.0.0/29')
    assert.match((await create(6)).object.spec.clusterIP, /^10\.98\.0\.[1-6]$/)
  })

  it('are not used once they are to go', async () => {
    await using server = await open('10.96.0.0/29')
    await addRange(server, 'more', '10.98.0.0/29')
    const held = { metadata: { finalizers: ['a.example/b'] } }
    assert.equal((await server.call('PATCH', `${cidrs}/more`, held, merge)).status, 200)
    await server.call('DELETE', `${cidrs}/more`)
    const refused = await server.call('POST', services, service('a', { clusterIP: '10.98.0.1' }))
    assert.equal(refused.status, 422)
    assert.match(
      refused.object.message,
      /provided IP \(10\.98\.0\.1\) is not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/29/,
    )
  })

  it('may overlap: an address is one address', async () => {
    await using server = await open('10.96.0.0/24')
    await addRange(server, 'inner', '10.96.0.0/28')
    assert.equal((await server.call('POST', services, service('a', { clusterIP: '10.96.0.3' }))).status, 201)
    assert.equal((await server.call('POST', services, service('b', { clusterIP: '10.96.0.3' }))).status, 422)
  })

  for (const clusterIP of ['10.96.0.0', '10.96.0.255', '192.0.2.1']) {
    it(`do not give ${clusterIP}`, async () => {
      await using server = await open('10.96.0.0/24')
      const { status, object } = await server.call('POST', services, service('a', { clusterIP }))
      assert.equal(status, 422)
      assert.equal(object.details.causes[0].field, 'spec.clusterIPs')
    })
  }

  it('keep the lower band for those who ask', async () => {
    await using server = await open('10.96.0.0/26')
    const chosen: number[] = []
    for (let i = 0; i < 62; i++) {
      chosen.push(Number((await server.call('POST', services, service(`s-${i}`))).object.spec.clusterIP.split('.')[3]))
    }
    assert.ok(
      chosen.slice(0, 46).every((last) => last > 16),
      chosen.join(' '),
    )
    assert.ok(
      chosen.slice(46).every((last) => last <= 16),
      chosen.join(' '),
    )
  })

  it('are blocked where somebody else holds an address', async () => {
    await using server = await open('10.96.0.0/29')
    for (let i = 1; i < 6; i++) {
      const parentRef = { group: 'a.example', resource: 'routers', name: 'r' }
      await server.call('POST', addresses, { metadata: { name: `10.96.0.${i}` }, spec: { parentRef } })
    }
    assert.equal((await server.call('POST', services, service('a'))).object.spec.clusterIP, '10.96.0.6')
  })

  it('cannot be missing', async () => {
    await using server = await openTestServer()
    const { status, object } = await server.call('POST', services, service('a'))
    assert.equal(status, 500)
    assert.match(object.message, /allocator not ready/)
  })
})

describe('node ports', () => {
  const http = { name: 'http', port: 80 }
  const tcp = { name: 'tcp', port: 53 }
  const udp = { name: 'udp', port: 53, protocol: 'UDP' }
  const nodePorts = (answer: { object: { spec: { ports: { nodePort?: number }[] } } }) =>
    answer.object.spec.ports.map(({ nodePort }) => nodePort)
  const create = (server: TestServer, name: string, ports: object[], more: object = {}) =>
    server.call('POST', services, service(name, { type: 'NodePort', ports, ...more }))

  it('are one for one port of several protocols', async () => {
    await using server = await open()
    const [a, b, c] = nodePorts(await create(server, 'dns', [tcp, udp, http]))
    assert.equal(a, b)
    assert.notEqual(a, c)
    assert.deepEqual(nodePorts(await create(server, 'two', [tcp, { ...udp, nodePort: 30053 }])), [30053, 30053])
  })

  it('asked for by two ports: refused at first, accepted in an update', async () => {
    await using server = await open()
    const ports = [
      { ...http, nodePort: 30080 },
      { ...udp, nodePort: 30080 },
    ]
    const refused = await create(server, 'a', ports)
    assert.equal(refused.status, 422)
    assert.deepEqual(refused.object.details.causes, [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.ports[1].nodePort',
        message: 'Invalid value: 30080: provided port is already allocated',
      },
    ])
    assert.equal((await create(server, 'a', [http])).status, 201)
    const updated = await server.call('PUT', `${services}/a`, service('a', { type: 'NodePort', ports }))
    assert.deepEqual(nodePorts(updated), [30080, 30080])
  })

  it('of new ports are fresh in an update, those of kept names stay', async () => {
    await using server = await open()
    const [first] = nodePorts(await create(server, 'a', [tcp]))
    const ports = [{ ...tcp, port: 54 }, udp]
    const updated = nodePorts(await server.call('PUT', `${services}/a`, service('a', { type: 'NodePort', ports })))
    assert.equal(updated[0], first)
    assert.notEqual(updated[1], first)
  })

  it('out of range are refused by name', async () => {
    await using server = await open()
    const text = 'provided port is not in the valid range. The range of valid ports is 30000-32767'
    const made = await create(server, 'a', [{ ...http, nodePort: 80 }])
    assert.equal(made.object.details.causes[0].message, `Invalid value: 80: ${text}`)
    await create(server, 'a', [http])
    const ports = [{ ...http, nodePort: 40000 }]
    const changed = await server.call('PUT', `${services}/a`, service('a', { type: 'NodePort', ports }))
    assert.equal(changed.object.details.causes[0].message, `Invalid value: 40000: ${text}`)
  })

  it('are used up from above, then from the lower band, and then full', async () => {
    await using server = await open('10.96.0.0/24', { nodePorts: { first: 30_000, last: 30_031 } })
    const numbers: number[] = []
    for (let i = 0; i < 32; i++) numbers.push(nodePorts(await create(server, `s-${i}`, [http]))[0]!)
    assert.ok(numbers.slice(0, 16).every((port) => port >= 30_016))
    assert.equal(new Set(numbers).size, 32)
    const { status, object } = await create(server, 'more', [http])
    assert.equal(status, 500)
    assert.match(object.message, /failed to allocate a nodePort: range is full/)
  })

  it('of health checks come from the same range', async () => {
    await using server = await open()
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }
    const { object } = await server.call('POST', services, service('a', local))
    assert.ok(object.spec.healthCheckNodePort >= 30_086)
    const asked = { ...local, healthCheckNodePort: object.spec.healthCheckNodePort }
    const refused = await server.call('POST', services, service('b', asked))
    assert.equal(refused.status, 500)
    assert.match(
      refused.object.message,
      /failed to allocate requested HealthCheck NodePort \d+: provided port is already/,
    )
    assert.equal(
      (await server.call('POST', services, service('b', { ...local, healthCheckNodePort: 31_500 }))).status,
      201,
    )
    await server.call('PATCH', `${services}/b`, { spec: { externalTrafficPolicy: 'Cluster' } }, merge)
    assert.equal((await create(server, 'c', [{ ...http, nodePort: 31_500 }])).status, 201)
  })
})

describe('a dry run', () => {
  const full = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    ports: [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ],
  }
  it('shows a whole Service and takes nothing', async () => {
    await using server = await open('10.96.0.0/24', { nodePorts: { first: 30_000, last: 30_002 } })
    for (let i = 0; i < 3; i++) {
      const { status, object } = await server.call('POST', `${services}?dryRun=All`, service('a', full))
      assert.equal(status, 201, JSON.stringify(object))
      assert.equal(object.spec.clusterIP, '10.96.0.0')
      const numbers = [
        ...object.spec.ports.map((port: { nodePort: number }) => port.nodePort),
        object.spec.healthCheckNodePort,
      ]
      assert.equal(new Set(numbers).size, 3)
    }
    assert.deepEqual(await namesAt(server, addresses), [])
    assert.equal((await server.call('POST', services, service('a', full))).status, 201)
  })

  it('of an update, a patch and a deletion releases nothing', async () => {
    await using server = await open()
    const spec = { type: 'NodePort', clusterIP: '10.96.0.5', ports: [{ port: 80, nodePort: 30080 }] }
    await server.call('POST', services, service('a', spec))
    const external = { spec: { type: 'ExternalName', externalName: 'a.example' } }
    assert.equal((await server.call('PATCH', `${services}/a?dryRun=All`, external, merge)).status, 200)
    assert.equal((await server.call('DELETE', `${services}/a?dryRun=All`)).status, 200)
    assert.equal((await server.call('POST', services, service('b', { clusterIP: '10.96.0.5' }))).status, 422)
    assert.equal((await server.call('POST', services, service('b', { ...spec, clusterIP: '10.96.0.6' }))).status, 422)
  })

  it('still refuses what is taken', async () => {
    await using server = await open()
    const spec = { type: 'NodePort', clusterIP: '10.96.0.5', ports: [{ port: 80, nodePort: 30080 }] }
    await server.call('POST', services, service('a', spec))
    const dry = (more: object) => server.call('POST', `${services}?dryRun=All`, service('b', more))
    assert.equal((await dry({ clusterIP: '10.96.0.5' })).status, 422)
    assert.equal((await dry({ ...spec, clusterIP: '10.96.0.6' })).status, 422)
  })
})

describe('deletion of a Service', () => {
  const spec = { type: 'NodePort', clusterIP: '10.96.0.5', ports: [{ port: 80, nodePort: 30080 }] }
  const endpoints = '/api/v1/namespaces/default/endpoints'
  const isFree = async (server: TestServer, name: string) =>
    (await server.call('POST', `${services}?dryRun=All`, service(name, spec))).status === 201

  it('takes the Endpoints of its name along', async () => {
    await using server = await open()
    await server.call('POST', services, service('a', spec))
    for (const name of ['a', 'b']) await server.call('POST', endpoints, { metadata: { name }, subsets: [] })
    const { object } = await server.call('DELETE', `${services}/a`)
    assert.equal(object.kind, 'Service')
    assert.deepEqual(await namesAt(server, endpoints), ['b'])
    assert.ok(await isFree(server, 'c'))
  })

  const ends: readonly [string, string][] = [
    ['an update', `${services}/a`],
    ['an update of its status', `${services}/a/status`],
  ]
  for (const [what, path] of ends) {
    it(`with a finalizer keeps what it has, until ${what} ends it`, async () => {
      await using server = await open()
      const finalizers = ['service.kubernetes.io/load-balancer-cleanup']
      await server.call('POST', services, service('a', spec, { finalizers }))
      await server.call('POST', endpoints, { metadata: { name: 'a' }, subsets: [] })
      await server.call('DELETE', `${services}/a`)
      const { object } = await server.call('GET', `${services}/a`)
      assert.ok(object.metadata.deletionTimestamp)
      assert.equal(await isFree(server, 'c'), false)
      assert.deepEqual(await namesAt(server, endpoints), ['a'])
      const answer = await server.call('PATCH', path, { metadata: { finalizers: null } }, merge)
      assert.equal(answer.status, 200)
      assert.equal((await server.call('GET', `${services}/a`)).status, 404)
      assert.ok(await isFree(server, 'c'))
      assert.deepEqual(await namesAt(server, endpoints), [])
    })
  }

  it('of a collection takes those selected', async () => {
    await using server = await open()
    for (const name of ['a', 'b', 'c']) {
      await server.call('POST', services, service(name, {}, { labels: { keep: name === 'c' ? 'yes' : 'no' } }))
    }
    await server.call('DELETE', `${services}?labelSelector=keep%3Dno`)
    assert.deepEqual(await namesAt(server, services), ['c'])
    assert.equal((await namesAt(server, addresses)).length, 1)
  })
})

describe('a Service', () => {
  it('has a status of its own', async () => {
    await using server = await open()
    await server.call('POST', services, {
      ...service('a', { type: 'LoadBalancer' }),
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } },
    })
    assert.deepEqual((await server.call('GET', `${services}/a/status`)).object.status, { loadBalancer: {} })
    await using watch = server.watch(`${services}?watch=1&fieldSelector=metadata.name%3Da&resourceVersion=`)
    assert.equal((await watch.next()).type, 'ADDED')
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }
    const patched = await server.call(
      'PATCH',
      `${services}/a/status`,
      { status, spec: { sessionAffinity: 'ClientIP' } },
      merge,
    )
    assert.equal(patched.object.spec.sessionAffinity, 'None')
    assert.deepEqual(patched.object.status.loadBalancer.ingress, [{ ip: '192.0.2.1', ipMode: 'VIP' }])
    const condition = {
      type: 'StatusUpdate',
      status: 'True',
      reason: 'Test',
      message: '',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    }
    for (const type of ['One', 'Two']) {
      const conditions = [{ ...condition, type }]
      await server.call('PATCH', `${services}/a/status`, { status: { conditions } }, strategic)
    }
    const { object } = await server.call('GET', `${services}/a`)
    assert.deepEqual(object.status.conditions.map(({ type }: { type: string }) => type).toSorted(), ['One', 'Two'])
    assert.equal((await watch.next()).type, 'MODIFIED')
    const put = await server.call('PUT', `${services}/a`, {
      ...object,
      status: {},
      metadata: { ...object.metadata, labels: { a: 'b' } },
    })
    assert.deepEqual(put.object.status, object.status)
    const plain = await server.call('PATCH', `${services}/a`, { spec: { type: 'ClusterIP' } }, merge)
    assert.deepEqual(plain.object.status.loadBalancer, {})
    const refused = await server.call('PATCH', `${services}/a/status`, { status }, merge)
    assert.equal(
      refused.object.details.causes[0].message,
      "Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    )
  })

  const selections: readonly [string, string[]][] = [
    ['spec.clusterIP!=None', ['named', 'plain']],
    ['spec.clusterIP=None', ['headless']],
    ['spec.type=ExternalName', ['named']],
    ['metadata.name=plain,spec.type=ClusterIP', ['plain']],
  ]
  for (const [selector, expected] of selections) {
    it(`is selected by ${selector}`, async () => {
      await using server = await open()
      await server.call('POST', services, service('plain'))
      await server.call('POST', services, service('headless', { clusterIP: 'None' }))
      await server.call('POST', services, service('named', { type: 'ExternalName', externalName: 'a.example' }))
      const path = `${services}?fieldSelector=${encodeURIComponent(selector)}`
      assert.deepEqual((await namesAt(server, path)).toSorted(), expected)
    })
  }

  it('is created by an update of a name that is not there', async () => {
    await using server = await open()
    const { status, object } = await server.call('PUT', `${services}/a`, service('a'))
    assert.equal(status, 201)
    assert.deepEqual(await namesAt(server, addresses), [object.spec.clusterIP])
  })

  const warnings: readonly [string, object, RegExp][] = [
    ['PreferClose', { trafficDistribution: 'PreferClose' }, /PreferSameZone/],
    ['external addresses', { externalIPs: ['192.0.2.1'] }, /externalIPs is deprecated/],
    [
      'affinity of a headless Service',
      { clusterIP: 'None', sessionAffinity: 'ClientIP' },
      /SessionAffinity is ignored for headless/,
    ],
    ['an external name of another type', { externalName: 'a.example' }, /externalName is ignored/],
    ['an address in an odd form', { externalIPs: ['2001:DB8::1'] }, /RFC 5952 canonical format/],
  ]
  for (const [what, spec, warning] of warnings) {
    it(`warns of ${what}`, async () => {
      await using server = await open()
      const answer = await server.call('POST', services, service('a', spec))
      assert.equal(answer.status, 201, JSON.stringify(answer.object))
      assert.match(answer.warnings.join('\n'), warning)
    })
  }
})

test('a Service that prefers two families gets the second when it asks again, not when the cluster gets it', async () => {
  await using server = await open()
  const prefer = { ipFamilyPolicy: 'PreferDualStack' }
  const families = async (name: string) => (await server.call('GET', `${services}/${name}`)).object.spec.ipFamilies
  await server.call('POST', services, service('old', prefer))
  assert.deepEqual(await families('old'), ['IPv4'])
  const both = { spec: { cidrs: ['10.96.0.0/24', 'fd00:96::/112'] } }
  assert.equal((await server.call('PATCH', `${cidrs}/kubernetes`, both, merge)).status, 200)
  await server.call(
    'PATCH',
    `${services}/old`,
    { metadata: { labels: { a: 'b' } }, spec: { selector: { a: 'b' } } },
    merge,
  )
  assert.deepEqual(await families('old'), ['IPv4'])
  await server.call('POST', services, service('new', prefer))
  assert.deepEqual(await families('new'), ['IPv4', 'IPv6'])
  const { object } = await server.call('GET', `${services}/old`)
  const asked = await server.call('PATCH', `${services}/old`, { spec: { ipFamilyPolicy: 'RequireDualStack' } }, merge)
  assert.deepEqual(asked.object.spec.ipFamilies, ['IPv4', 'IPv6'])
  assert.equal(asked.object.spec.clusterIP, object.spec.clusterIP)
})

const stored = (name: string, spec: object) => ({
  key: `/registry/core/services/default/${name}`,
  value: JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: '2020-01-01T00:00:00Z' },
    spec,
    status: { loadBalancer: {} },
  }),
})

describe('a Service stored long ago', () => {
  const old = { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], type: 'ClusterIP', sessionAffinity: 'None' }
  const cases: readonly { name: string; spec: object; expected: object }[] = [
    {
      name: 'with the singular address',
      spec: { ...old, clusterIP: '10.96.0.5' },
      expected: {
        clusterIPs: ['10.96.0.5'],
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        internalTrafficPolicy: 'Cluster',
      },
    },
    {
      name: 'headless with a selector',
      spec: { ...old, clusterIP: 'None', selector: { app: 'a' } },
      expected: { clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    },
    {
      name: 'headless without a selector',
      spec: { ...old, clusterIP: 'None' },
      expected: { clusterIPs: ['None'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' },
    },
    {
      name: 'as ExternalName with an internal policy',
      spec: {
        type: 'ExternalName',
        sessionAffinity: 'None',
        externalName: 'a.example',
        internalTrafficPolicy: 'Cluster',
      },
      expected: {
        clusterIPs: undefined,
        ipFamilies: undefined,
        ipFamilyPolicy: undefined,
        internalTrafficPolicy: undefined,
      },
    },
  ]
  for (const { name, spec, expected } of cases) {
    it(`${name} is read in today's form, and not written for it`, async () => {
      const store = openMemoryStore()
      const { key, value } = stored('before', spec)
      await store.put(key, value, 0)
      await using server = await open('10.96.0.0/24', { store })
      await using watch = server.watch(`${services}?watch=1`)
      const of = (read: object) =>
        Object.fromEntries(Object.keys(expected).map((field) => [field, (read as never)[field]]))
      const first = (await server.call('GET', `${services}/before`)).object
      assert.deepEqual(of(first.spec), expected)
      assert.deepEqual(of(((await watch.next()).object as unknown as { spec: object }).spec), expected)
      const later = stored('after', spec)
      await store.put(later.key, later.value, 0)
      assert.deepEqual(of(((await watch.next()).object as unknown as { spec: object }).spec), expected)
      const again = await server.call('PUT', `${services}/before`, first)
      assert.equal(again.status, 200, JSON.stringify(again.object))
      assert.equal(again.object.metadata.resourceVersion, first.metadata.resourceVersion)
    })
  }
})

describe('repair of node ports', () => {
  const spec = (nodePort: number) => ({
    type: 'NodePort',
    clusterIP: 'None',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80, nodePort }],
  })
  interface Told {
    readonly involvedObject: { readonly name: string }
    readonly reason: string
    readonly message: string
  }
  const events = async (server: TestServer) => {
    const { items } = (await server.call('GET', '/api/v1/namespaces/default/events')).object as { items: Told[] }
    return items.map(({ involvedObject, reason, message }) => [involvedObject.name, reason, message])
  }

  it('tells about numbers that were lost, shared or outside, at the start', async () => {
    const store = openMemoryStore()
    for (const [name, port] of [
      ['a', 30001],
      ['b', 30001],
      ['c', 80],
      ['d', 30004],
    ] as const) {
      const { key, value } = stored(name, spec(port))
      await store.put(key, value, 0)
    }
    await using server = await open('10.96.0.0/24', { store })
    assert.deepEqual(
      (await events(server)).toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
      [
        ['a', 'PortNotAllocated', 'Port 30001 is not allocated; repairing'],
        ['b', 'PortAlreadyAllocated', 'Port 30001 was assigned to multiple services; please recreate service'],
        ['c', 'PortOutOfRange', 'Port 80 is not within the port range 30000-32767; please recreate service'],
        ['d', 'PortNotAllocated', 'Port 30004 is not allocated; repairing'],
      ],
    )
    for (const nodePort of [30001, 30004]) {
      const thief = service('thief', { type: 'NodePort', ports: [{ port: 80, nodePort }] })
      assert.equal((await server.call('POST', services, thief)).status, 422)
    }
  })
})

describe('node ports that no Service has', () => {
  it('are free again after three looks, not before', async () => {
    await using server = await open()
    const write = () => ({ objects: server.api.objects, clock: server.clock, admission: [], allocators: [] })
    const ports = createNodePorts(() => server.api.objects)
    const repair = createNodePortRepair({ write, ports, log: silentLog })
    await ports.take(30_500, { namespace: 'default', name: 'gone', uid: 'x' })
    const nodePort = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_500 }] }
    for (let look = 1; look <= 3; look++) {
      assert.equal((await server.call('POST', `${services}?dryRun=All`, service('a', nodePort))).status, 422)
      await repair()
    }
    assert.equal((await server.call('POST', services, service('a', nodePort))).status, 201)
  })
})

describe('allocation in numbers', () => {
  it('counts what is given, refused, held and free', async () => {
    const metrics = await openMetrics()
    await using server = await open('10.96.0.0/29', { metrics })
    await server.call('POST', services, service('b', { clusterIP: '10.96.0.3', type: 'LoadBalancer' }))
    await server.call('POST', services, service('a', { type: 'NodePort' }))
    await server.call('POST', services, service('c', { clusterIP: '10.96.0.3' }))
    const { text } = await metrics.expose()
    for (const line of [
      'kube_apiserver_clusterip_allocator_allocated_ips{cidr="10.96.0.0/29"} 2',
      'kube_apiserver_clusterip_allocator_available_ips{cidr="10.96.0.0/29"} 4',
      'kube_apiserver_clusterip_allocator_allocation_total{cidr="10.96.0.0/29",scope="dynamic"} 1',
      'kube_apiserver_clusterip_allocator_allocation_total{cidr="10.96.0.0/29",scope="static"} 1',
      'kube_apiserver_clusterip_allocator_allocation_errors_total{cidr="10.96.0.0/29",scope="static"} 1',
      'kube_apiserver_nodeport_allocator_allocated_ports 2',
      'kube_apiserver_nodeport_allocator_available_ports 2766',
      'kube_apiserver_nodeport_allocator_allocation_total{scope="dynamic"} 2',
    ]) {
      assert.ok(text.split('\n').includes(line), `${line} in\n${text}`)
    }
  })
})

test('every answer about Endpoints says that they are deprecated', async () => {
  await using server = await open()
  const path = '/api/v1/namespaces/default/endpoints'
  const calls = [
    await server.call('POST', path, { metadata: { name: 'a' } }),
    await server.call('GET', path),
    await server.call('GET', `${path}/a`),
    await server.call('DELETE', `${path}/a`),
  ]
  const text = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'
  for (const { warnings } of calls) assert.deepEqual(warnings, [text])
})
