import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localhostCondition } from '#api/load-balancer-address.ts'
import type { Service, ServiceSpec } from '#api/service.ts'
import { desiredLocalhost, foreignPorts, renderLocalhostUrls } from './plan-localhost.ts'

const ip = '172.30.128.1'
const service = (spec: ServiceSpec, remembered?: string, name = 'web'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default', uid: name },
  spec: { type: 'LoadBalancer', ...spec },
  status: {
    loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] },
    ...(remembered && {
      conditions: [
        { type: localhostCondition, status: 'True', reason: 'Listening', message: remembered, lastTransitionTime: '' },
      ],
    }),
  },
})

/** The first three candidates of each port. */
const cases = [
  ['a port that everybody may use', service({ ports: [{ port: 8080 }] }), '8080/TCP 8080 18080 28080'],
  ['a low port', service({ ports: [{ port: 80 }] }), '80/TCP 8080 18080 28080'],
  ['a port near the end', service({ ports: [{ port: 60_000, nodePort: 30_001 }] }), '60000/TCP 60000 30001 29335'],
  ['the remembered one first', service({ ports: [{ port: 80 }] }, '28080=80/TCP'), '80/TCP 28080 8080 18080'],
  ['what is remembered of another port', service({ ports: [{ port: 81 }] }, '28080=80/TCP'), '81/TCP 8081 18081 28081'],
  [
    'two protocols',
    service({ ports: [{ port: 53, protocol: 'UDP' }, { port: 53 }, { port: 9, protocol: 'SCTP' }] }),
    '53/UDP 8053 18053 28053, 53/TCP 8053 18053 28053',
  ],
  ['ports of others are left alone', service({ ports: [{ port: 443 }] }), '443/TCP 18443 28443 38443'],
  ['no load balancer', service({ type: 'NodePort', ports: [{ port: 80 }] }), ''],
  ['no address yet', { ...service({ ports: [{ port: 80 }] }), status: {} }, ''],
] as const

test('which ports of localhost a load balancer may have', () => {
  const foreign = foreignPorts(
    [service({}, '8443=1/TCP, 8053=9/UDP', 'other'), service({}, '8080=80/TCP')],
    service({}),
  )
  for (const [name, one, expected] of cases) {
    const taken = name.startsWith('ports of others') ? foreign : new Set<string>()
    const wishes = desiredLocalhost(one, taken)
    const shown = wishes.map((wish) => `${wish.port}/${wish.protocol} ${wish.candidates.slice(0, 3).join(' ')}`)
    assert.equal(shown.join(', '), expected, name)
    for (const { target, port } of wishes) assert.deepEqual(target, { address: ip, port }, name)
  }
})

test('every candidate may be listened on by everybody, and none comes twice', () => {
  for (const port of [1, 80, 443, 1023, 1024, 8080, 30_000, 65_535]) {
    const [wish] = desiredLocalhost(service({ ports: [{ port, nodePort: 30_000 }] }), new Set())
    assert.ok(wish!.candidates.length >= 10)
    assert.ok(wish!.candidates.every((candidate) => candidate >= 1024 && candidate <= 65_535))
    assert.equal(new Set(wish!.candidates).size, wish!.candidates.length)
  }
})

test('ports are shown as addresses that people can open', () => {
  const ports = [{ port: 80 }, { port: 443, name: 'https' }, { port: 53, protocol: 'UDP' as const }]
  const shown = renderLocalhostUrls(service({ ports }), [
    { hostPort: 8080, port: 80, protocol: 'TCP' },
    { hostPort: 8443, port: 443, protocol: 'TCP' },
    { hostPort: 8053, port: 53, protocol: 'UDP' },
  ])
  assert.equal(
    shown,
    'http://127.0.0.1:8080 (port 80), https://127.0.0.1:8443 (port 443), udp://127.0.0.1:8053 (port 53/UDP)',
  )
})
