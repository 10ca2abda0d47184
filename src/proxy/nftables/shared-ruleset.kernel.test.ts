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
import { tableName } from './desired-table.ts'
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
  /** More than one transaction takes: all but the last are committed while the next one is planned. */
  const changeMany = (services: number) =>
    Promise.all(
      parts.map(async ({ family, backend, tracker }) => {
        for (let index = 0; index < services; index++) {
          const name = `many-${index}`
          const clusterIP = valueOf(family, `10.96.${1 + (index >> 8)}.${index & 255}`)
          const one = valueOf(family, service({ name }))
          tracker.serviceChanged(undefined, { ...one, spec: { ...one.spec, clusterIP, clusterIPs: [clusterIP] } })
          tracker.sliceChanged(undefined, valueOf(family, slice({ service: name, endpoints: ['a1', 'b1'] })))
        }
        const { desired, changes } = tracker.collect()
        await backend.sync(desired, changes)
      }),
    )
  /** A Service of IPv6 for each of these external IPs. */
  const claim = async (externalIps: readonly string[]) => {
    const { backend, tracker } = parts[1]!
    for (const [index, externalIP] of externalIps.entries()) {
      const name = `claim-${index}`
      const clusterIP = valueOf('IPv6', `10.96.9.${index}`)
      const one = valueOf('IPv6', service({ name }))
      const spec = { ...one.spec, clusterIP, clusterIPs: [clusterIP], externalIPs: [externalIP] }
      tracker.serviceChanged(undefined, { ...one, spec })
      tracker.sliceChanged(undefined, valueOf('IPv6', slice({ service: name, endpoints: ['a1'] })))
    }
    const { desired, changes } = tracker.collect()
    await backend.sync(desired, changes)
  }
  const fronts = (family: 'ip' | 'ip6') =>
    execFileSync('nft', ['list', 'map', family, tableName, 'fronts'], { encoding: 'utf8', maxBuffer: 2 ** 26 }).match(
      / : 0x/g,
    )?.length
  const close = () => {
    for (const { backend } of parts) backend[Symbol.dispose]()
    checked('leave network namespace', setns(home.net, CLONE_NEWNET))
  }
  return { change, changeMany, claim, fronts, verify, foreignCommit, close, listings: () => listings }
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

const many = 4_000
for (const { name, disturb, listings } of [
  { name: 'nobody else commits', disturb: () => {}, listings: [2] },
  // Whom the foreign commit meets depends on how far the kernel is.
  { name: 'somebody else commits', disturb: (foreign: () => void) => foreign(), listings: [2, 3, 4, 5, 6] },
]) {
  test(`large first syncs of both families at once, while ${name}`, async () => {
    const ruleset = new SharedRuleset()
    const both = openBoth([ruleset, ruleset])
    try {
      const running = both.changeMany(many)
      disturb(both.foreignCommit)
      await running
      assert.ok(listings.includes(both.listings()), `listed ${both.listings()} times`)
      assert.deepEqual([both.fronts('ip'), both.fronts('ip6')], [many, many])
      await both.verify()
      assert.deepEqual([both.fronts('ip'), both.fronts('ip6')], [many, many])
    } finally {
      both.close()
    }
  })
}

test('one address in two spellings, of two Services, stops nobody', async () => {
  const ruleset = new SharedRuleset()
  const both = openBoth([ruleset, ruleset])
  try {
    await both.claim(['2001:db8::9', '2001:db8:0::9'])
    assert.equal(both.fronts('ip6'), 3, 'both ClusterIPs, and the address once')
    await both.changeMany(10)
    assert.equal(both.fronts('ip6'), 13)
  } finally {
    both.close()
  }
})
