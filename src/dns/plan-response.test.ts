import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service, ServiceSpec } from '#api/service.ts'
import { type DnsMessage, rcodes, recordTypes, type ResourceRecord } from './message.ts'
import { planResponse } from './plan-response.ts'
import { emptyQuery } from './render-reply.ts'
import { Zone } from './zone.ts'

const service = (name: string, spec: ServiceSpec, namespace = 'default'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec,
})

interface SliceOptions {
  readonly of: string
  readonly endpoints: Endpoint[]
  readonly name?: string
  readonly addressType?: 'IPv4' | 'IPv6' | 'FQDN'
  readonly ports?: EndpointSlice['ports']
}
const slice = ({ of, endpoints, name = `${of}-1`, addressType = 'IPv4', ports }: SliceOptions): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
  addressType,
  endpoints,
  ...(ports && { ports }),
})

const http = { name: 'http', protocol: 'TCP', port: 80 } as const
const services = [
  service('web', { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [http] }),
  service('dual', {
    clusterIP: '10.96.0.8',
    clusterIPs: ['10.96.0.8', 'fd00:96::8'],
    ports: [http, { name: 'dns', protocol: 'UDP', port: 53 }],
  }),
  service('plain', { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports: [{ port: 8080 }] }),
  service('portless', { clusterIP: '10.96.0.11', clusterIPs: ['10.96.0.11'] }),
  service('unallocated', { ports: [http] }),
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'sql', protocol: 'TCP', port: 5432 }] }),
  service('empty', { clusterIP: 'None', clusterIPs: ['None'], ports: [http] }),
  service('noport', { clusterIP: 'None', clusterIPs: ['None'] }),
  service('inside', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
  service('nowhere', { type: 'ExternalName', externalName: 'gone.default.svc.cluster.local.' }),
  service('outside', { type: 'ExternalName', externalName: 'www.example.com' }),
  service('literal', { type: 'ExternalName', externalName: '192.0.2.1' }),
  service('loop-a', { type: 'ExternalName', externalName: 'loop-b.default.svc.cluster.local' }),
  service('loop-b', { type: 'ExternalName', externalName: 'loop-a.default.svc.cluster.local' }),
  service('kube-dns', { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [http] }, 'kube-system'),
]
const sql = [{ name: 'sql', protocol: 'TCP', port: 15432 } as const]
const slices = [
  slice({ of: 'web', endpoints: [{ addresses: ['10.244.1.2'], conditions: { ready: true } }], ports: [http] }),
  slice({
    of: 'db',
    ports: sql,
    endpoints: [
      { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.2.5'], hostname: 'db-1', conditions: { ready: false } },
      { addresses: ['10.244.3.5'] },
    ],
  }),
  slice({
    of: 'db',
    name: 'db-v6',
    addressType: 'IPv6',
    ports: sql,
    endpoints: [
      { addresses: ['fd00:244::'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['fd00:244::'] },
    ],
  }),
  slice({ of: 'db', name: 'db-fqdn', addressType: 'FQDN', ports: sql, endpoints: [{ addresses: ['x.example.com'] }] }),
  slice({ of: 'empty', ports: [http], endpoints: [{ addresses: ['10.244.9.9'], conditions: { ready: false } }] }),
  slice({ of: 'noport', endpoints: [{ addresses: ['10.244.1.2'] }] }),
]

function filledZone(): Zone {
  const zone = new Zone({
    domain: 'cluster.local',
    ownRanges: ['10.96.0.0/16', 'fd00:96::/112'],
    clock: { nowMs: () => 7e6 },
  })
  for (const name of ['default', 'kube-system', 'bare']) {
    zone.applyNamespace({
      before: undefined,
      after: { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} },
    })
  }
  for (const after of services) zone.applyService({ before: undefined, after })
  for (const after of slices) zone.applySlice({ before: undefined, after })
  return zone
}

const zone = filledZone()
const ask = (name: string, type: keyof typeof recordTypes, rest: Partial<DnsMessage> = {}): DnsMessage => ({
  ...emptyQuery,
  questions: [{ name, type: recordTypes[type], class: 1 }],
  ...rest,
})

function show(record: ResourceRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return `${record.type} ${record.address}`
    case 'SRV':
      return `SRV ${record.priority} ${record.weight} ${record.port} ${record.target}`
    case 'TXT':
      return `TXT ${record.texts.join()}`
    case 'SOA':
      return `SOA ${record.mname} ${record.rname} ${record.refresh} ${record.retry} ${record.expire} ${record.minimum}`
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return `${record.type} ${record.target}`
    default:
      throw new Error(`no record of type ${record.type} is expected`)
  }
}

const nodata = 'NODATA'
const nxdomain = 'NXDOMAIN'
const forward = 'forward'
const S = 'svc.cluster.local'

/** Name, type, answers in order (or what is said instead); additional records after `|`. */
const cases: readonly (readonly [name: string, type: keyof typeof recordTypes, ...expected: string[]])[] = [
  ['dns-version.cluster.local', 'TXT', 'TXT 1.1.0'],
  ['dns-version.cluster.local', 'A', nodata],
  ['cluster.local', 'SOA', 'SOA ns.dns.cluster.local hostmaster.cluster.local 7200 1800 86400 5'],
  ['cluster.local', 'NS', 'NS ns.dns.cluster.local', '|', 'A 10.96.0.10'],
  ['cluster.local', 'A', nodata],
  ['ns.dns.cluster.local', 'A', 'A 10.96.0.10'],
  ['ns.dns.cluster.local', 'SRV', nodata],
  ['dns.cluster.local', 'A', nodata],
  [S, 'A', nodata],
  ['pod.cluster.local', 'A', nodata],
  [`default.${S}`, 'A', nodata],
  [`bare.${S}`, 'A', nodata],
  [`nonamespace.${S}`, 'A', nxdomain],
  ['web.cluster.local', 'A', nxdomain],

  [`web.default.${S}`, 'A', 'A 10.96.0.7'],
  [`web.default.${S}`, 'AAAA', nodata],
  [`web.default.${S}`, 'TXT', nodata],
  [`web.default.${S}`, 'ANY', nodata],
  [`WEB.default.${S}`, 'A', 'A 10.96.0.7'],
  [`web.bare.${S}`, 'A', nxdomain],
  [`web.nonamespace.${S}`, 'A', nxdomain],
  [`dual.default.${S}`, 'A', 'A 10.96.0.8'],
  [`dual.default.${S}`, 'AAAA', 'AAAA fd00:96::8'],
  [
    `dual.default.${S}`,
    'SRV',
    `SRV 0 50 80 dual.default.${S}`,
    `SRV 0 50 53 dual.default.${S}`,
    '|',
    'A 10.96.0.8',
    'AAAA fd00:96::8',
  ],
  [`_http._tcp.dual.default.${S}`, 'SRV', `SRV 0 100 80 dual.default.${S}`, '|', 'A 10.96.0.8', 'AAAA fd00:96::8'],
  [`_dns._udp.dual.default.${S}`, 'SRV', `SRV 0 100 53 dual.default.${S}`, '|', 'A 10.96.0.8', 'AAAA fd00:96::8'],
  [`_dns._tcp.dual.default.${S}`, 'SRV', nxdomain],
  [`_none._tcp.dual.default.${S}`, 'SRV', nxdomain],
  [`http.tcp.dual.default.${S}`, 'SRV', nxdomain],
  [`_http._tcp.dual.default.${S}`, 'A', nodata],
  [`_tcp.dual.default.${S}`, 'SRV', nodata],
  [`_sctp.dual.default.${S}`, 'SRV', nxdomain],
  [`plain.default.${S}`, 'SRV', `SRV 0 100 8080 plain.default.${S}`, '|', 'A 10.96.0.9'],
  [`_tcp.plain.default.${S}`, 'SRV', nxdomain],
  [`portless.default.${S}`, 'A', nxdomain],
  [`unallocated.default.${S}`, 'A', nxdomain],
  [`10-244-1-2.web.default.${S}`, 'A', 'A 10.244.1.2'],
  [`10-244-1-3.web.default.${S}`, 'A', nxdomain],
  [`a.b.c.web.default.${S}`, 'A', nxdomain],

  [`db.default.${S}`, 'A', 'A 10.244.1.5', 'A 10.244.3.5'],
  [`db.default.${S}`, 'AAAA', 'AAAA fd00:244::'],
  [`db-0.db.default.${S}`, 'A', 'A 10.244.1.5'],
  [`db-0.db.default.${S}`, 'AAAA', 'AAAA fd00:244::'],
  [`db-1.db.default.${S}`, 'A', nxdomain],
  [`10-244-3-5.db.default.${S}`, 'A', 'A 10.244.3.5'],
  [`10-244-3-5.db.default.${S}`, 'AAAA', nodata],
  [`fd00-244--0.db.default.${S}`, 'AAAA', 'AAAA fd00:244::'],
  [
    `_sql._tcp.db.default.${S}`,
    'SRV',
    `SRV 0 33 15432 db-0.db.default.${S}`,
    `SRV 0 33 15432 10-244-3-5.db.default.${S}`,
    `SRV 0 33 15432 fd00-244--0.db.default.${S}`,
    '|',
    'A 10.244.1.5',
    'AAAA fd00:244::',
    'A 10.244.3.5',
    'AAAA fd00:244::',
  ],
  [`empty.default.${S}`, 'A', nxdomain],
  [`noport.default.${S}`, 'A', 'A 10.244.1.2'],
  [`noport.default.${S}`, 'SRV', nodata],

  [`inside.default.${S}`, 'CNAME', `CNAME web.default.${S}`],
  [`inside.default.${S}`, 'A', `CNAME web.default.${S}`, 'A 10.96.0.7'],
  [`inside.default.${S}`, 'AAAA', `CNAME web.default.${S}`, nodata],
  [`nowhere.default.${S}`, 'A', `CNAME gone.default.${S}`, nxdomain],
  [`outside.default.${S}`, 'A', 'CNAME www.example.com', 'chase www.example.com'],
  [`outside.default.${S}`, 'CNAME', 'CNAME www.example.com'],
  [`_http._tcp.outside.default.${S}`, 'SRV', nxdomain],
  [`literal.default.${S}`, 'A', nxdomain],
  [`loop-a.default.${S}`, 'CNAME', `CNAME loop-b.default.${S}`],

  ['7.0.96.10.in-addr.arpa', 'PTR', `PTR web.default.${S}`],
  ['8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa', 'PTR', `PTR dual.default.${S}`],
  ['7.0.96.10.in-addr.arpa', 'A', nodata],
  ['200.0.96.10.in-addr.arpa', 'PTR', nxdomain],
  ['5.1.244.10.in-addr.arpa', 'PTR', `PTR db-0.db.default.${S}`],
  ['5.3.244.10.in-addr.arpa', 'PTR', `PTR 10-244-3-5.db.default.${S}`],
  ['2.1.244.10.in-addr.arpa', 'PTR', `PTR 10-244-1-2.noport.default.${S}`, `PTR 10-244-1-2.web.default.${S}`],
  ['5.2.244.10.in-addr.arpa', 'PTR', forward],
  ['1.2.0.192.in-addr.arpa', 'PTR', forward],
  ['96.10.in-addr.arpa', 'PTR', nodata],
  ['96.10.in-addr.arpa', 'SOA', 'SOA ns.dns.cluster.local hostmaster.cluster.local 7200 1800 86400 5'],
  ['96.10.in-addr.arpa', 'NS', 'NS ns.dns.cluster.local', '|', 'A 10.96.0.10'],
  ['0.96.10.in-addr.arpa', 'PTR', nodata],
  ['x.96.10.in-addr.arpa', 'PTR', nxdomain],
  ['1.7.0.96.10.in-addr.arpa', 'PTR', nxdomain],
  ['10.in-addr.arpa', 'SOA', forward],
  [
    '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa',
    'NS',
    'NS ns.dns.cluster.local',
    '|',
    'A 10.96.0.10',
  ],
  ['0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa', 'PTR', nodata],
  ['300.0.96.10.in-addr.arpa', 'PTR', nxdomain],

  ['1-2-3-4.default.pod.cluster.local', 'A', 'A 1.2.3.4'],
  ['1-2-3-4.default.pod.cluster.local', 'AAAA', nodata],
  ['fd00--1.default.pod.cluster.local', 'AAAA', 'AAAA fd00::1'],
  ['1-2-3-4.nonamespace.pod.cluster.local', 'A', nxdomain],
  ['1-2-3-400.default.pod.cluster.local', 'A', nxdomain],
  ['default.pod.cluster.local', 'A', nodata],
  ['x.1-2-3-4.default.pod.cluster.local', 'A', nxdomain],

  ['www.example.com', 'A', forward],
  ['notcluster.local', 'A', forward],
  ['', 'NS', forward],
  [`web.default.${S}.example.com`, 'A', nxdomain],
]

function answerOf(name: string, type: keyof typeof recordTypes): string[] {
  const plan = planResponse(ask(name, type), { zone, isSynced: true, turn: 0 })
  if (plan.kind === 'forward' || plan.kind === 'ignore') return [plan.kind]
  const { reply } = plan
  const lines = reply.answers.map(show)
  if (plan.kind === 'chase') return [...lines, `chase ${plan.target}`]
  if (reply.rcode === rcodes.NXDOMAIN) return [...lines, nxdomain]
  if (reply.authorities.length > 0) return [...lines, nodata]
  return reply.additionals.length > 0 ? [...lines, '|', ...reply.additionals.map(show)] : lines
}

for (const [name, type, ...expected] of cases) {
  test(`${type} ${name || '.'}`, () => assert.deepEqual(answerOf(name, type), expected))
}

const reply = (query: DnsMessage, isSynced = true, turn = 0): DnsMessage => {
  const plan = planResponse(query, { zone, isSynced, turn })
  assert.equal(plan.kind, 'reply')
  return (plan as { reply: DnsMessage }).reply
}

test('negative answers carry the SOA of the zone the name is in', () => {
  const soaOwner = (name: string) => reply(ask(name, 'MX')).authorities[0]?.name
  assert.equal(soaOwner(`web.default.${S}`), 'cluster.local')
  assert.equal(soaOwner(`none.default.${S}`), 'cluster.local')
  assert.equal(soaOwner('200.0.96.10.in-addr.arpa'), '96.10.in-addr.arpa')
})

test('the owner of an answer is spelled as it was asked', () => {
  assert.equal(reply(ask(`wEb.Default.${S}`, 'A')).answers[0]?.name, `wEb.Default.${S}`)
})

test('cluster names live five seconds', () => {
  assert.equal(reply(ask(`web.default.${S}`, 'A')).answers[0]?.ttlSeconds, 5)
  assert.equal(reply(ask(`none.default.${S}`, 'A')).authorities[0]?.ttlSeconds, 5)
})

test('addresses take turns in standing first', () => {
  const firsts = [0, 1, 2].map((turn) => show(reply(ask(`db.default.${S}`, 'A'), true, turn).answers[0]!))
  assert.deepEqual(firsts, ['A 10.244.1.5', 'A 10.244.3.5', 'A 10.244.1.5'])
})

test('names of an address do not: the first is the same every time', () => {
  const firsts = [0, 1, 2].map((turn) => show(reply(ask('2.1.244.10.in-addr.arpa', 'PTR'), true, turn).answers[0]!))
  assert.deepEqual(new Set(firsts), new Set([`PTR 10-244-1-2.noport.default.${S}`]))
})

const question = { name: `web.default.${S}`, type: recordTypes.A, class: 1 }
const refusals: readonly (readonly [what: string, query: DnsMessage, rcode: number, isSynced?: boolean])[] = [
  ['a transfer', ask('cluster.local', 'AXFR'), rcodes.REFUSED],
  ['an incremental transfer', ask('cluster.local', 'IXFR'), rcodes.REFUSED],
  ['another class', { ...emptyQuery, questions: [{ ...question, class: 3 }] }, rcodes.REFUSED],
  ['another opcode', { ...emptyQuery, questions: [question], opcode: 5 }, rcodes.NOTIMP],
  ['no question', emptyQuery, rcodes.FORMERR],
  ['two questions', { ...emptyQuery, questions: [question, question] }, rcodes.FORMERR],
  [
    'EDNS version 1',
    { ...emptyQuery, questions: [question], edns: { udpPayloadSize: 1232, version: 1, dnssecOk: false } },
    rcodes.BADVERS,
  ],
  ['a missing name before the caches are filled', ask(`none.default.${S}`, 'A'), rcodes.SERVFAIL, false],
  ['a known name before the caches are filled', ask(`web.default.${S}`, 'A'), rcodes.SERVFAIL, false],
  ['aliases in a circle', ask(`loop-a.default.${S}`, 'A'), rcodes.SERVFAIL],
]
for (const [what, query, rcode, isSynced] of refusals) {
  test(`refused: ${what}`, () => assert.equal(reply(query, isSynced).rcode, rcode))
}

test('a reply is never answered', () => {
  const plan = planResponse({ ...ask('web', 'A'), isResponse: true }, { zone, isSynced: true, turn: 0 })
  assert.equal(plan.kind, 'ignore')
})

test('names outside are asked for outside even before the caches are filled', () => {
  assert.equal(planResponse(ask('www.example.com', 'A'), { zone, isSynced: false, turn: 0 }).kind, 'forward')
})
