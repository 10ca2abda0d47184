/** Damage done by others to a running proxy's rules: made good within a second, and counted. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Service } from '#api/service.ts'
import { settleThread } from '#kernel/namespaces.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { silentLog } from '#observe/log.ts'
import { openMetrics } from '#observe/metrics.ts'
import { HeldInformers } from '../../../test/fixtures/held-informers.ts'
import { ProxyMetrics } from '../proxy-metrics.ts'
import { startProxy } from '../start-proxy.ts'
import { httpPort, service, slice } from '../suite/packet-case.ts'
import { openNftablesBackend } from './apply-nftables.ts'
import { tableName } from './desired-table.ts'

const table = ['ip', tableName] as const
const nft = (...args: readonly string[]): string => {
  const { status, stdout } = spawnSync('nft', args, { encoding: 'utf8' })
  return status === 0 ? stdout : ''
}
const hasNft = spawnSync('nft', ['--version']).status === 0

const damages: readonly (readonly [string, readonly string[]])[] = [
  ['an element removed', ['delete', 'element', ...table, 'cluster-ips', '{ 10.96.0.100 }']],
  ['the rules of a chain removed', ['flush', 'chain', ...table, 'dispatch']],
  ['a rule added', ['insert', 'rule', ...table, 'filter-output', 'drop']],
  ['all rules removed', ['flush', 'table', ...table]],
  ['the table removed', ['delete', 'table', ...table]],
]

test('repaired within a second, and counted', { skip: hasNft ? false : 'nft is not installed' }, async (context) => {
  settleThread()
  const informers = new HeldInformers()
  const netlinkFd = openNetlink(netlinkProtocol.netfilter).fd
  const node = { family: 'IPv4', serviceCidrs: ['10.96.0.0/16'], masqueradeAll: false } as const
  using backend = openNftablesBackend({ netlinkFd, node, log: silentLog })
  const registry = await openMetrics()
  const metrics = new ProxyMetrics(registry, 'IPv4')
  const repairs = async (): Promise<number> => {
    const { text } = await registry.expose()
    return Number(/^frontdesk_proxy_repairs_total\{ip_family="IPv4"\} (\d+)$/m.exec(text)?.[1])
  }
  informers.of(Service).put(service({ type: 'NodePort', ports: [httpPort({ nodePort: 30080 })] }))
  informers.of(EndpointSlice).put(slice({ endpoints: ['a1', 'b1', 'c1'] }))
  const common = { informers, nodeName: 'node-1', family: 'IPv4', log: silentLog } as const
  const proxy = startProxy({ ...common, backend, observers: [metrics] }, new AbortController().signal)
  informers.sync()
  await proxy.synced
  const listed = (): string => sorted(nft('list', 'table', ...table))
  const written = listed()
  assert.match(written, /10\.96\.0\.100/)
  for (const [index, [name, command]] of damages.entries()) {
    execFileSync('nft', command)
    const start = performance.now()
    assert.notEqual(listed(), written, `${name}: damaged`)
    while (listed() !== written && performance.now() - start < 5_000) await new Promise(setImmediate)
    const tookMs = performance.now() - start
    while ((await repairs()) < index + 1 && performance.now() - start < 5_000) await new Promise(setImmediate)
    context.diagnostic(`${name}: repaired after ${tookMs.toFixed(0)} ms`)
    assert.ok(tookMs < 1_000, `${name}: ${tookMs} ms`)
    assert.equal(await repairs(), index + 1, name)
  }
  await proxy[Symbol.asyncDispose]()
  await backend.cleanup()
})

/** Elements are listed in any order, and on shared lines. */
const sorted = (text: string): string =>
  text
    .split(/[\n,]/)
    .map((part) => part.trim())
    .toSorted()
    .join('\n')
