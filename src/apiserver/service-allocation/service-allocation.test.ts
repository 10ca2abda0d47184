import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planAddresses } from '#lib/address-plan.ts'
import { applyBootstrap } from '../bootstrap/apply-bootstrap.ts'
import { openTestServer, type TestServer } from '../open-test-server.ts'

const services = '/api/v1/namespaces/default/services'

async function openBootstrapped(): Promise<TestServer> {
  const server = await openTestServer()
  await applyBootstrap(server.api.handle, planAddresses(0), AbortSignal.timeout(5000))
  return server
}

const service = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })

test('a Service gets an address of the upper band, and an IPAddress object holds it', async () => {
  await using server = await openBootstrapped()
  const { object } = await server.call('POST', services, service('web'))
  const [, second, third] = object.spec.clusterIP.split('.').map(Number)
  assert.equal(second, 96)
  assert.ok(third >= 1, object.spec.clusterIP)
  assert.deepEqual(object.spec.clusterIPs, [object.spec.clusterIP])
  assert.deepEqual(object.spec.ipFamilies, ['IPv4'])
  assert.equal(object.spec.ipFamilyPolicy, 'SingleStack')
  const held = (await server.call('GET', `/apis/networking.k8s.io/v1/ipaddresses/${object.spec.clusterIP}`)).object
  assert.deepEqual(held.spec.parentRef, { resource: 'services', namespace: 'default', name: 'web' })
})

test('an address asked for is given, and only once', async () => {
  await using server = await openBootstrapped()
  assert.equal((await server.call('POST', services, service('a', { clusterIP: '10.96.0.50' }))).status, 201)
  const { status, object } = await server.call('POST', services, service('b', { clusterIP: '10.96.0.50' }))
  assert.equal(status, 422)
  assert.equal(object.details.causes[0].field, 'spec.clusterIPs')
  assert.match(object.message, /failed to allocate IP 10\.96\.0\.50: provided IP is already allocated/)
})

test('a failed create takes nothing', async () => {
  await using server = await openBootstrapped()
  await server.call('POST', services, service('web'))
  const path = '/apis/networking.k8s.io/v1/ipaddresses'
  const before = (await server.call('GET', path)).object.items.length
  assert.equal((await server.call('POST', services, service('web'))).status, 409)
  const outside = service('c', { type: 'NodePort', ports: [{ port: 80, nodePort: 99 }] })
  assert.equal((await server.call('POST', services, outside)).status, 422)
  assert.equal((await server.call('GET', path)).object.items.length, before)
})

test('a dry run takes nothing', async () => {
  await using server = await openBootstrapped()
  const path = '/apis/networking.k8s.io/v1/ipaddresses'
  const before = (await server.call('GET', path)).object.items.length
  const { status, object } = await server.call('POST', `${services}?dryRun=All`, service('web', { type: 'NodePort' }))
  assert.equal(status, 201)
  assert.ok(object.spec.clusterIP)
  assert.equal((await server.call('GET', path)).object.items.length, before)
})

test('deleting gives the address back', async () => {
  await using server = await openBootstrapped()
  await server.call('POST', services, service('a', { clusterIP: '10.96.0.50' }))
  await server.call('DELETE', `${services}/a`)
  assert.equal((await server.call('POST', services, service('b', { clusterIP: '10.96.0.50' }))).status, 201)
})

test('becoming ExternalName gives address and node port back; coming back takes new ones', async () => {
  await using server = await openBootstrapped()
  const { object } = await server.call('POST', services, service('a', { type: 'NodePort', clusterIP: '10.96.0.50' }))
  const nodePort = object.spec.ports[0].nodePort
  assert.ok(nodePort >= 30_086 && nodePort <= 32_767, String(nodePort))
  const external = { ...object, spec: { ...object.spec, type: 'ExternalName', externalName: 'example.com' } }
  const changed = await server.call('PUT', `${services}/a`, external)
  assert.equal(changed.status, 200, JSON.stringify(changed.object))
  assert.equal(changed.object.spec.clusterIP, undefined)
  const other = service('b', { type: 'NodePort', clusterIP: '10.96.0.50', ports: [{ port: 80, nodePort }] })
  assert.equal((await server.call('POST', services, other)).status, 201)
})

test('one node port belongs to one Service; TCP and UDP of one port share it', async () => {
  await using server = await openBootstrapped()
  const ports = [
    { name: 't', port: 53, protocol: 'TCP' },
    { name: 'u', port: 53, protocol: 'UDP' },
  ]
  const { object } = await server.call('POST', services, service('dns', { type: 'NodePort', ports }))
  const [tcp, udp] = object.spec.ports
  assert.equal(tcp.nodePort, udp.nodePort)
  const thief = service('thief', { type: 'NodePort', ports: [{ port: 80, nodePort: tcp.nodePort }] })
  const refused = await server.call('POST', services, thief)
  assert.equal(refused.status, 422)
  assert.match(
    refused.object.message,
    /spec\.ports\[0\]\.nodePort: Invalid value: \d+: provided port is already allocated/,
  )
})

test('an update that leaves address and node port out keeps them', async () => {
  await using server = await openBootstrapped()
  const { object } = await server.call('POST', services, service('a', { type: 'NodePort' }))
  const bare = { metadata: { name: 'a' }, spec: { type: 'NodePort', ports: [{ port: 80 }], selector: { app: 'x' } } }
  const updated = (await server.call('PUT', `${services}/a`, bare)).object
  assert.equal(updated.spec.clusterIP, object.spec.clusterIP)
  assert.equal(updated.spec.ports[0].nodePort, object.spec.ports[0].nodePort)
})

test('headless Services take no address', async () => {
  await using server = await openBootstrapped()
  const { object } = await server.call('POST', services, service('db', { clusterIP: 'None', selector: { app: 'db' } }))
  assert.deepEqual(object.spec.clusterIPs, ['None'])
})
