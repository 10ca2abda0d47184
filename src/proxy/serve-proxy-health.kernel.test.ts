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
  changed: 1,
  durationMs: 1,
  isFull: true,
  desired: { family: 'IPv4' as const, servicePorts: new Map() },
  healthChecks: new Map(checks.map((check) => [`${check.namespace}/${check.name}`, check])),
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
