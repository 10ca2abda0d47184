/** Health servers as load balancers and people ask them, over real sockets. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { test } from 'node:test'
import { openMetrics } from '#observe/metrics.ts'
import { silentLog } from '#observe/log.ts'
import type { HealthCheck } from './desired-health-checks.ts'
import { ProxyHealth } from './proxy-health.ts'
import { ProxyMetrics } from './proxy-metrics.ts'
import { ProxyServers } from './serve-proxy-health.ts'
import { bind, checked, socket } from '#kernel/libc.ts'
import { socketAddress } from '#kernel/socket-address.ts'

/** Listens on free ports of the loopback address instead of those asked for, and remembers which. */
function freePorts() {
  const real = new Map<number, number>()
  const listen = async (_address: string, port: number): Promise<number> => {
    const probe = net.createServer()
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
    const free = (probe.address() as net.AddressInfo).port
    await new Promise((resolve) => probe.close(resolve))
    const fd = checked('open socket', socket(2, 1 | 0x800 | 0x80000, 0))
    const address = socketAddress('127.0.0.1', free)
    checked('bind', bind(fd, address, address.length))
    real.set(port, free)
    return fd
  }
  return { listen, real }
}

const result = (...checks: HealthCheck[]) => ({
  services: 1,
  durationMs: 1,
  isFull: true,
  healthChecks: new Map(checks.map((check) => [`${check.namespace}/${check.name}`, check])),
  localGaps: { internal: 0, external: 0 },
  conntrackMs: 0,
  deletedFlows: 0,
})

test('healthz, livez, metrics, proxyMode and a health check node port', async () => {
  const { listen, real } = freePorts()
  const health = new ProxyHealth('IPv4', () => Date.now())
  await using servers = new ProxyServers({ listen, anyAddress: '0.0.0.0', health, mode: 'nftables', log: silentLog })
  const registry = await openMetrics()
  const own = new ProxyMetrics(registry, 'IPv4')
  await servers.open({ registry, own })
  const get = (port: number, path: string) => fetch(`http://127.0.0.1:${real.get(port)}${path}`)
  assert.equal((await get(10256, '/healthz')).status, 200)
  assert.equal(((await (await get(10256, '/livez')).json()) as { healthy: boolean }).healthy, true)
  assert.equal(await (await get(10249, '/proxyMode')).text(), 'nftables')

  const check = { namespace: 'default', name: 'web', port: 31_000, localEndpoints: 2 }
  servers.synced(result(check))
  own.synced(result(check))
  await servers.settled()
  const full = await get(31_000, '/any/path')
  assert.equal(full.status, 200)
  assert.equal(full.headers.get('x-load-balancing-endpoint-weight'), '2')
  assert.deepEqual(await full.json(), {
    service: { namespace: 'default', name: 'web' },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  })
  servers.synced(result({ ...check, localEndpoints: 0 }))
  await servers.settled()
  assert.equal((await get(31_000, '/')).status, 503)
  servers.synced(result())
  await servers.settled()
  await assert.rejects(get(31_000, '/'))

  const text = await (await get(10249, '/metrics')).text()
  assert.match(text, /kubeproxy_sync_full_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} 1/)
  assert.match(text, /kubeproxy_proxy_healthz_total\{code="200"\} 1/)
  assert.match(text, /frontdesk_proxy_repairs_total\{ip_family="IPv4"\} 0/)
})

test('a proxy that is not well says so with 503', async () => {
  const { health, now, get, servers } = openServers(() => true)
  await using _ = servers
  await servers.open()
  const statuses = async () => [(await get(10256, '/healthz')).status, (await get(10256, '/livez')).status]
  assert.deepEqual(await statuses(), [200, 200])
  health.nodeChanged(undefined)
  assert.deepEqual(await statuses(), [503, 200], 'the node is gone')
  health.queued()
  now.ms += 61_000
  assert.deepEqual(await statuses(), [503, 503], 'rules are not current')
  assert.equal((await get(10249, '/healthz')).status, 200, 'the process lives')
})

test('what health tells, member by member', async () => {
  const { get, servers, now } = openServers(() => true)
  await using _ = servers
  await servers.open()
  const time = new Date(now.ms).toISOString()
  const status = { IPv4: { lastUpdated: time, healthy: true } }
  const common = { lastUpdated: time, currentTime: time, healthy: true, status }
  const [healthz, livez] = [await get(10256, '/healthz'), await get(10256, '/livez')]
  assert.deepEqual(await healthz.json(), { ...common, nodeEligible: true })
  assert.deepEqual(await livez.json(), common)
  for (const { headers } of [healthz, livez]) {
    assert.equal(headers.get('content-type'), 'application/json')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
  }
  assert.equal((await get(10256, '/other')).status, 404)
  assert.equal(await (await get(10249, '/healthz')).text(), 'ok')
})

const check = { namespace: 'default', name: 'web', port: 31_000, localEndpoints: 1 }

/** `answers` decides which sockets can be had: the others are taken. */
function openServers(answers: (address: string, port: number) => boolean, nodePortAddresses?: readonly string[]) {
  const { listen, real } = freePorts()
  const asked: string[] = []
  const failures: string[] = []
  const health = new ProxyHealth('IPv4', () => now.ms)
  const now = { ms: Date.now() }
  const servers = new ProxyServers({
    listen: (address, port) => {
      asked.push(`${address}:${port}`)
      return answers(address, port) ? listen(address, port) : Promise.reject(new Error(`${address}:${port} is taken`))
    },
    anyAddress: '0.0.0.0',
    health,
    mode: 'nftables',
    log: silentLog,
    retryMs: 5,
    onCheckFailure: ({ name }, error) => failures.push(`${name}: ${(error as Error).message}`),
    ...(nodePortAddresses && { nodePortAddresses }),
  })
  const get = (port: number, path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${real.get(port)}${path}`, init)
  const ask = (path = '/', init: RequestInit = {}) => get(31_000, path, init)
  return { servers, health, now, asked, failures, get, ask }
}

test('a health check whose port is taken: told once, tried again without a sync, served when it is free', async () => {
  let isFree = false
  const { servers, asked, failures, ask } = openServers(() => isFree)
  await using _ = servers
  servers.synced(result(check))
  while (asked.length < 4) await new Promise(setImmediate)
  servers.synced(result({ ...check, localEndpoints: 3 }))
  await servers.settled()
  assert.deepEqual(failures, ['web: 0.0.0.0:31000 is taken'])
  isFree = true
  const before = asked.length
  while (asked.length === before) await new Promise(setImmediate)
  await servers.settled()
  assert.equal((await ask()).headers.get('x-load-balancing-endpoint-weight'), '3', 'as it is by now')
  const after = asked.length
  servers.synced(result(check))
  await servers.settled()
  assert.equal(asked.length, after, 'nothing more to open')
})

test('a health check that is no longer wanted is not tried again', async () => {
  const { servers, asked, failures } = openServers(() => false)
  await using _ = servers
  servers.synced(result(check))
  await servers.settled()
  servers.synced(result())
  await servers.settled()
  const tries = asked.length
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(asked.length, tries)
  servers.synced(result(check))
  await servers.settled()
  assert.equal(failures.length, 2, 'a new one is told again')
})

test('a health check moves to another port, and answers every path and method', async () => {
  const { servers, asked, ask } = openServers(() => true)
  await using _ = servers
  servers.synced(result(check))
  await servers.settled()
  for (const method of ['GET', 'POST', 'HEAD', 'DELETE']) {
    const reply = await ask('/any/path?x', { method })
    assert.equal(reply.status, 200, method)
    assert.equal(reply.headers.get('content-type'), 'application/json')
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff')
  }
  servers.synced(result({ ...check, port: 31_001 }))
  await servers.settled()
  assert.deepEqual(asked, ['0.0.0.0:31000', '0.0.0.0:31001'])
  await assert.rejects(ask())
})

test('a proxy whose rules are not current says so at the health checks, too', async () => {
  const { servers, health, now, ask } = openServers(() => true)
  await using _ = servers
  servers.synced(result(check))
  await servers.settled()
  health.queued()
  now.ms += 61_000
  const reply = await ask()
  assert.equal(reply.status, 503)
  assert.equal(((await reply.json()) as { serviceProxyHealthy: boolean }).serviceProxyHealthy, false)
})

test('with node port addresses health checks are served there alone', async () => {
  const { servers, asked } = openServers(() => true, ['172.30.0.11/32', '10.1.0.1/32'])
  await using _ = servers
  servers.synced(result(check))
  await servers.settled()
  assert.deepEqual(asked, ['172.30.0.11:31000', '10.1.0.1:31000'])
})
