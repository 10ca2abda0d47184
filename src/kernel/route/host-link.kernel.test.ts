/** The host's link into a cluster, in a network namespace that stands for the host's. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { planAddresses, planNode } from '#lib/address-plan.ts'
import { clusterPaths } from '../cluster-paths.ts'
import { connectInNetns } from '../connect-in-netns.ts'
import { checked, unshare } from '../libc.ts'
import { CLONE_NEWNET, releaseNamespace } from '../namespaces.ts'
import { MessageWriter } from '../netlink/message.ts'
import { netlinkProtocol, openNetlink } from '../netlink/socket.ts'
import { hasIpv6 } from '../probe-ipv6.ts'
import { startNamespaceBroker } from '../start-namespace-broker.ts'
import { hostLinkName } from './desired-network.ts'
import { addBridge } from './route-messages.ts'

test('the host reaches nodes, also where an earlier cluster has left its link', async () => {
  checked('make a network namespace', unshare(CLONE_NEWNET))
  const runDir = mkdtempSync(path.join(tmpdir(), 'host-link-kernel-'))
  const paths = clusterPaths(runDir)
  const plan = planAddresses(25, hasIpv6() ? ['IPv4', 'IPv6'] : ['IPv4'])
  const node = planNode(plan, 1)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(runDir, { recursive: true }))
  const broker = await startNamespaceBroker({ runDir })
  stack.defer(() => [paths.node(1), paths.underlay].forEach(releaseNamespace))
  stack.use(broker)
  const leftover = new MessageWriter()
  addBridge(leftover, hostLinkName(plan), 0x00fd00 + plan.index)
  {
    using socket = openNetlink(netlinkProtocol.route)
    socket.request(leftover)
  }
  await broker.ensureUnderlay(plan)
  await broker.ensureNodeNetwork(plan, node, [node])
  for (let times = 0; times < 2; times++) await broker.ensureHostAccess(plan, [node])
  const host = `/proc/${process.pid}/ns/net`
  for (const address of [node.internalIp, ...(node.ipv6 ? [node.ipv6.internalIp] : [])]) {
    const dialled = connectInNetns(broker, { netns: host, address, port: 9 }, AbortSignal.timeout(2_000))
    await assert.rejects(dialled, /connection refused/, address)
  }
})
