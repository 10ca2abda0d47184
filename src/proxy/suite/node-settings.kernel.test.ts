/** Settings of connection tracking in a node's namespace that kube-proxy promises. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openTestNetwork } from './open-test-network.ts'

const settings = { tcp_timeout_close_wait: '3600', tcp_timeout_established: '86400' } as const
/** As the kernel has them. */
const untouched = ['udp_timeout', 'udp_timeout_stream', 'tcp_be_liberal'] as const
const dir = '/proc/sys/net/netfilter'

test('idle connections stay for a day, those that one side has closed for an hour', async (context) => {
  await using network = await openTestNetwork()
  if (!network.within('node-1', () => existsSync(`${dir}/nf_conntrack_tcp_timeout_close_wait`))) {
    return context.skip(`this kernel has no ${dir}/nf_conntrack_tcp_timeout_close_wait`)
  }
  for (const [name, value] of Object.entries(settings)) {
    const read = () => readFileSync(`${dir}/nf_conntrack_${name}`, 'utf8').trim()
    assert.equal(network.within('node-1', read), value, name)
    assert.notEqual(network.within('a1', read), value, `${name} of a pod is the kernel's own`)
  }
})

test('time-outs of UDP, and what TCP may do, are as the kernel has them', async (context) => {
  await using network = await openTestNetwork()
  const missing = untouched.filter((name) => !network.within('node-1', () => existsSync(`${dir}/nf_conntrack_${name}`)))
  if (missing.length > 0) return context.skip(`this kernel has no nf_conntrack_${missing.join()} for each namespace`)
  for (const name of untouched) {
    const read = () => readFileSync(`${dir}/nf_conntrack_${name}`, 'utf8').trim()
    assert.equal(network.within('node-1', read), network.within('a1', read), name)
  }
})
