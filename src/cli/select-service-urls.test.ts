import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '#api/node.ts'
import type { Service } from '#api/service.ts'
import { renderUrl, selectCandidates, selectServicePort } from './select-service-urls.ts'
import { schemeOf } from '#host-access/plan-localhost.ts'

const service = (spec: object, status: object = {}): Service =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default' }, spec, status }) as Service
const nodes = [{ status: { addresses: [{ type: 'ExternalIP', address: '127.30.0.11' }] } }] as unknown as Node[]
const http = { port: 80, protocol: 'TCP' }
const clusterIp = { type: 'ClusterIP', clusterIP: '10.96.1.2' }

const cases: readonly {
  readonly name: string
  readonly spec: object
  readonly status?: object
  readonly privileged: boolean
  readonly urls: readonly string[]
}[] = [
  {
    name: 'a ClusterIP, as root',
    spec: { ...clusterIp, ports: [http] },
    privileged: true,
    urls: ['http://127.96.1.2'],
  },
  {
    name: 'a ClusterIP, as a user',
    spec: { ...clusterIp, ports: [http] },
    privileged: false,
    urls: ['http://127.96.1.2:8080'],
  },
  {
    name: 'another port has the number that stands in for 80',
    spec: { ...clusterIp, ports: [http, { port: 8080, protocol: 'TCP' }] },
    privileged: false,
    urls: ['http://127.96.1.2:18080'],
  },
  {
    name: 'another port has it, for another protocol',
    spec: { ...clusterIp, ports: [http, { port: 8080, protocol: 'UDP' }] },
    privileged: false,
    urls: ['http://127.96.1.2:8080'],
  },
  {
    name: 'a node port comes after the ClusterIP',
    spec: { type: 'NodePort', clusterIP: '10.96.1.2', ports: [{ ...http, nodePort: 30_080 }] },
    privileged: true,
    urls: ['http://127.96.1.2', 'http://127.30.0.11:30080'],
  },
  {
    name: 'a load balancer, as root',
    spec: { type: 'LoadBalancer', clusterIP: '10.96.1.2', ports: [{ ...http, nodePort: 30_080 }] },
    status: { loadBalancer: { ingress: [{ ip: '172.30.128.1' }] } },
    privileged: true,
    urls: ['http://172.30.128.1', 'http://127.96.1.2', 'http://127.30.0.11:30080'],
  },
  {
    name: 'a load balancer whose source ranges may keep the host out',
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.1.2',
      ports: [{ ...http, nodePort: 30_080 }],
      loadBalancerSourceRanges: ['10.1.0.0/16'],
    },
    status: { loadBalancer: { ingress: [{ ip: '172.30.128.1' }] } },
    privileged: true,
    urls: ['http://127.96.1.2', 'http://127.30.0.11:30080', 'http://172.30.128.1'],
  },
  { name: 'headless: nothing', spec: { clusterIP: 'None', ports: [http] }, privileged: true, urls: [] },
]

for (const { name, spec, status, privileged, urls } of cases) {
  test(`addresses from the host: ${name}`, () => {
    const asked = service(spec, status)
    const port = selectServicePort(asked, undefined)!
    const found = selectCandidates(asked, port, nodes, privileged).map((one) => renderUrl(schemeOf(port), one))
    assert.deepEqual(found, urls)
  })
}

const ports = [
  { name: 'web', port: 80 },
  { name: 'https-admin', port: 8443 },
]

for (const [wanted, number] of [
  [undefined, 80],
  ['web', 80],
  ['8443', 8443],
  ['https-admin', 8443],
  ['nope', undefined],
] as const) {
  test(`port ${wanted} is ${number}`, () => assert.equal(selectServicePort(service({ ports }), wanted)?.port, number))
}

const schemes = [
  { port: { port: 80 }, scheme: 'http' },
  { port: { port: 443 }, scheme: 'https' },
  { port: { port: 8443, name: 'https-admin' }, scheme: 'https' },
  { port: { port: 8443, name: 'web', appProtocol: 'https' }, scheme: 'https' },
  { port: { port: 53, protocol: 'UDP' }, scheme: 'udp' },
] as const

for (const { port, scheme } of schemes) {
  test(`${JSON.stringify(port)} is asked by ${scheme}`, () => assert.equal(schemeOf(port as never), scheme))
}
