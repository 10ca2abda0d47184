/** The back ends of both families in one namespace: neither takes the other's commits for foreign ones. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { before, test } from 'node:test'
import { CLONE_NEWNET, settleThread, type ThreadHome } from '#kernel/namespaces.ts'
import { checked, setns, unshare } from '#kernel/libc.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { silentLog, type Log } from '#observe/log.ts'
import type { NodeTraffic } from '../backend.ts'
import { RouteTracker } from '../desired-routes.ts'
import { service, slice } from '../suite/packet-case.ts'
import { valueOf } from '../suite/translate-to-ipv6.ts'
import { openNftablesBackend } from './apply-nftables.ts'
import { SharedRuleset } from './shared-ruleset.ts'

const node: NodeTraffic = {
  family: 'IPv4',
  podCidr: '10.244.1.0/24',
  serviceCidrs: ['10.96.0.0/16'],
  masqueradeAll: false,
}
const families = ['IPv4', 'IPv6'] as const
let home: ThreadHome
before(() => {
  home = settleThread()
})

/** Everything in a namespace of its own, which ends with its sockets. */
function openBoth(rulesets: readonly SharedRuleset[]) {
  checked('make a network namespace', unshare(CLONE_NEWNET))
  let listings = 0
  const log: Log = { ...silentLog, debug: () => listings++ }
  const parts = families.map((family, index) => {
    const netlinkFd = openNetlink(netlinkProtocol.netfilter).fd
    const traffic = { ...valueOf(family, node), family }
    const backend = openNftablesBackend({ netlinkFd, node: traffic, log, ruleset: rulesets[index]! })
    const tracker = new RouteTracker(family, { name: 'node-1' })
    tracker.serviceChanged(undefined, valueOf(family, service({})))
    return { family, backend, tracker }
  })
  let turn = 0
  const change = async () => {
    const endpoints = turn++ % 2 === 0 ? (['a1', 'b1'] as const) : (['c1'] as const)
    for (const { family, backend, tracker } of parts) {
      tracker.sliceChanged(undefined, valueOf(family, slice({ endpoints: [...endpoints] })))
      const { desired, changes } = tracker.collect()
      await backend.sync(desired, changes)
    }
  }
  const foreignCommit = () => execFileSync('nft', ['add', 'table', 'ip', 'somebody-else'])
  const verify = async () => {
    for (const { backend } of parts) await backend.verify()
  }
  const close = () => {
    for (const { backend } of parts) backend[Symbol.dispose]()
    checked('leave network namespace', setns(home.net, CLONE_NEWNET))
  }
  return { change, verify, foreignCommit, close, listings: () => listings }
}

const shared = new SharedRuleset()
const cases = [
  { name: 'that know of each other', rulesets: [shared, shared], after: { changes: 2, foreign: 4 } },
  { name: 'that do not', rulesets: [new SharedRuleset(), new SharedRuleset()], after: { changes: 10, foreign: 12 } },
]
for (const { name, rulesets, after } of cases) {
  test(`how often tables are listed by back ends ${name}`, async () => {
    const both = openBoth(rulesets)
    try {
      for (let times = 0; times < 5; times++) await both.change()
      assert.equal(both.listings(), after.changes)
      both.foreignCommit()
      await both.verify()
      assert.equal(both.listings(), after.foreign)
    } finally {
      both.close()
    }
  })
}
