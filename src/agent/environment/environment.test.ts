import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import { buildEnvironment, ConfigError } from './build-environment.ts'
import { expandVariables } from './expand-variables.ts'
import { parseQuantity, readField, readResource } from './read-field.ts'
import { kernelHostname, podHostname, renderHosts } from './render-hosts.ts'
import { parseResolvConf, renderResolvConf } from './render-resolv-conf.ts'
import { renderServiceVariables, selectLinkedServices } from './render-service-variables.ts'

const pod = (spec: object = {}, metadata: object = {}) =>
  ({
    metadata: { name: 'web-0', namespace: 'shop', uid: 'u1', ...metadata },
    spec: { containers: [], ...spec },
  }) as unknown as Pod
const service = (name: string, namespace: string, spec: object) =>
  ({ metadata: { name, namespace }, spec }) as unknown as Service

for (const [text, expected] of [
  ['plain', 'plain'],
  ['$(A)/$(B)', '1/$(B)'],
  ['$$(A)', '$(A)'],
  ['$A $', '$A $'],
] as const) {
  test(`variables in ${text}`, () =>
    assert.equal(
      expandVariables(text, (name) => (name === 'A' ? '1' : undefined)),
      expected,
    ))
}

test('a Service is told in all its variables', () => {
  const ports = [
    { name: 'http', port: 80, protocol: 'TCP' },
    { name: 'dns-udp', port: 53, protocol: 'UDP' },
  ]
  const variables = renderServiceVariables([
    service('my-db', 'shop', { clusterIP: '10.96.0.7', ports }),
    service('headless', 'shop', { clusterIP: 'None', ports }),
  ])
  assert.deepEqual(Object.fromEntries(variables), {
    MY_DB_SERVICE_HOST: '10.96.0.7',
    MY_DB_SERVICE_PORT: '80',
    MY_DB_SERVICE_PORT_HTTP: '80',
    MY_DB_SERVICE_PORT_DNS_UDP: '53',
    MY_DB_PORT: 'tcp://10.96.0.7:80',
    MY_DB_PORT_80_TCP: 'tcp://10.96.0.7:80',
    MY_DB_PORT_80_TCP_PROTO: 'tcp',
    MY_DB_PORT_80_TCP_PORT: '80',
    MY_DB_PORT_80_TCP_ADDR: '10.96.0.7',
    MY_DB_PORT_53_UDP: 'udp://10.96.0.7:53',
    MY_DB_PORT_53_UDP_PROTO: 'udp',
    MY_DB_PORT_53_UDP_PORT: '53',
    MY_DB_PORT_53_UDP_ADDR: '10.96.0.7',
  })
})

for (const [links, expected] of [
  [true, ['kubernetes', 'own']],
  [false, ['kubernetes']],
] as const) {
  test(`with enableServiceLinks ${links} a pod hears of ${expected.join(' and ')}`, () => {
    const all = [service('own', 'shop', {}), service('other', 'default', {}), service('kubernetes', 'default', {})]
    assert.deepEqual(
      selectLinkedServices(all, 'shop', links).map(({ metadata }) => metadata.name),
      expected,
    )
  })
}

const objects = {
  configMap: async (_namespace: string, name: string) =>
    name === 'c' ? ({ data: { k: 'v', 'x.y': 'z' } } as never) : undefined,
  secret: async (_namespace: string, name: string) =>
    name === 's' ? ({ data: { p: btoa('hush') } } as never) : undefined,
}
const context = {
  pod: pod(),
  podIps: ['10.1.1.2', 'fd00::2'],
  hostIps: ['172.30.0.11', 'fd00::11'],
  allocatable: { cpu: '4' },
  objects,
}
const build = (container: object) =>
  buildEnvironment({
    ...context,
    container: { name: 'main', ...container },
    imageEnv: ['PATH=/bin', 'A=image'],
    serviceVariables: new Map([['S', 'service']]),
  })

test('variables: the pod wins over the image, later ones see earlier ones', async () => {
  const env = [
    { name: 'A', value: 'pod' },
    { name: 'B', value: '$(A)-$(S)-$(C)' },
    { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'p' } } },
    { name: 'GONE', valueFrom: { configMapKeyRef: { name: 'no', key: 'k', optional: true } } },
  ]
  const built = await build({ envFrom: [{ prefix: 'M_', configMapRef: { name: 'c' } }], env })
  assert.deepEqual(Object.fromEntries(built), {
    PATH: '/bin',
    A: 'pod',
    S: 'service',
    M_k: 'v',
    'M_x.y': 'z',
    B: 'pod-service-$(C)',
    IP: '10.1.1.2',
    SECRET: 'hush',
  })
})

for (const [what, container, message] of [
  ['a missing ConfigMap', { envFrom: [{ configMapRef: { name: 'no' } }] }, 'configmap "no" not found'],
  [
    'a missing key',
    { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'c', key: 'no' } } }] },
    "couldn't find key no in ConfigMap shop/c",
  ],
  [
    'a missing Secret',
    { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'no', key: 'k' } } }] },
    'secret "no" not found',
  ],
] as const) {
  test(`${what} is named`, () =>
    assert.rejects(build(container), (error) => error instanceof ConfigError && error.message === message))
}

test('fields and resources', () => {
  const described = { ...context, pod: pod({ nodeName: 'n' }, { labels: { app: 'web' }, annotations: { a: 'b' } }) }
  const field = (fieldPath: string) => readField({ fieldPath }, described)
  assert.deepEqual(
    ['metadata.name', 'spec.nodeName', "metadata.labels['app']", 'metadata.annotations', 'status.hostIP'].map(field),
    ['web-0', 'n', 'web', 'a="b"', '172.30.0.11'],
  )
  assert.deepEqual(['status.podIP', 'status.podIPs', 'status.hostIPs'].map(field), [
    '10.1.1.2',
    '10.1.1.2,fd00::2',
    '172.30.0.11,fd00::11',
  ])
  assert.throws(() => field('spec.unknown'), /unsupported fieldPath/)
  const container = { name: 'c', resources: { requests: { memory: '64Mi' } } }
  assert.equal(readResource({ resource: 'requests.memory', divisor: '1Mi' }, container, described), '64')
  assert.equal(readResource({ resource: 'limits.cpu' }, container, described), '4')
  assert.deepEqual(['1500m', '1Gi', '2e3', '5'].map(parseQuantity), [1.5, 2 ** 30, 2000, 5])
})

const host = parseResolvConf('domain old\nsearch corp.example lan\nnameserver 192.0.2.1\noptions edns0 timeout:1\n')
for (const [name, spec, expected] of [
  [
    'ClusterFirst',
    {},
    'search shop.svc.cluster.local svc.cluster.local cluster.local corp.example lan\nnameserver 10.96.0.10\noptions ndots:5\n',
  ],
  ['Default', { dnsPolicy: 'Default' }, 'search corp.example lan\nnameserver 192.0.2.1\noptions edns0 timeout:1\n'],
  [
    'ClusterFirst on the node',
    { hostNetwork: true },
    'search corp.example lan\nnameserver 192.0.2.1\noptions edns0 timeout:1\n',
  ],
  [
    'None with dnsConfig',
    {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x'], options: [{ name: 'ndots', value: '2' }] },
    },
    'search x\nnameserver 1.1.1.1\noptions ndots:2\n',
  ],
] as const) {
  test(`resolv.conf: ${name}`, () => {
    const input = { pod: pod(spec), clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', host }
    assert.deepEqual(renderResolvConf(input), { text: expected, omissions: [] })
  })
}

test('resolv.conf: what exceeds the limits is left out, and told', () => {
  const nameservers = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
  const searches = Array.from({ length: 30 }, (_, index) => `${index}.example`)
  const input = {
    pod: pod({ dnsConfig: { nameservers, searches } }),
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'c.local',
  }
  const { text, omissions } = renderResolvConf({ ...input, host: { nameservers: [], searches: [], options: [] } })
  const [search = '', ...lines] = text.split('\n')
  assert.equal(search.split(' ').length - 1, 32)
  assert.deepEqual(lines.slice(0, 3), ['nameserver 10.96.0.10', 'nameserver 192.0.2.1', 'nameserver 192.0.2.2'])
  assert.deepEqual(
    omissions.map((text) => text.replace(/ have .*: /, ' … ')),
    [
      'Nameserver limits were exceeded, some nameservers … 10.96.0.10 192.0.2.1 192.0.2.2',
      `Search Line limits were exceeded, some search paths … ${search.slice('search '.length)}`,
    ],
  )
})

test('hosts and host names', () => {
  const member = pod({ hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '192.0.2.9', hostnames: ['a', 'b'] }] })
  const text = renderHosts(member, ['10.1.1.2', 'fd00::2'], 'cluster.local')
  for (const ip of ['10.1.1.2', 'fd00::2']) {
    assert.ok(text.includes(`${ip}\tdb-0.db.shop.svc.cluster.local\tdb-0\n`))
  }
  assert.ok(text.endsWith('192.0.2.9\ta\tb\n'))
  assert.equal(kernelHostname(pod({ hostNetwork: true }), 'node-1', 'cluster.local'), 'node-1')
  const full = pod({ hostname: 'db-0', subdomain: 'db', setHostnameAsFQDN: true })
  assert.equal(kernelHostname(full, 'node-1', 'cluster.local'), 'db-0.db.shop.svc.cluster.local')
  assert.equal(podHostname(pod({}, { name: `${'x'.repeat(62)}-more` })), 'x'.repeat(62))
})
