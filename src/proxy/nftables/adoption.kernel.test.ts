/** Restart, damage by others and removal, against a real kernel; and what `nft` says about the table. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { listElements, nftFamily, readGeneration } from '#kernel/netlink/nftables.ts'
import { settleThread } from '#kernel/namespaces.ts'
import { netlinkProtocol, openNetlink, type Netlink } from '#kernel/netlink/socket.ts'
import { silentLog } from '#observe/log.ts'
import type { NodeTraffic, ProxyBackend } from '../backend.ts'
import { RouteTracker } from '../desired-routes.ts'
import { httpPort, otherVip, service, slice, udpPort, udpSlice } from '../suite/packet-case.ts'
import { openNftablesBackend } from './apply-nftables.ts'
import { decodeElement } from './decode-elements.ts'
import { tableName } from './desired-table.ts'
import { mapNames, renderElement } from './elements.ts'

const node: NodeTraffic = {
  family: 'IPv4',
  podCidr: '10.244.1.0/24',
  serviceCidrs: ['10.96.0.0/16'],
  masqueradeAll: false,
}

const services = [
  service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [httpPort({ nodePort: 30080 })] }),
  service({ name: 'api', clusterIP: otherVip, sessionAffinity: 'ClientIP' }),
  service({ name: 'dns', clusterIP: '10.96.0.10', ports: [udpPort()] }),
  service({ name: 'none', clusterIP: '10.96.0.11' }),
]
const slices = [
  slice({ endpoints: ['a1', 'a2', 'b1', 'c1'] }),
  slice({ service: 'api', endpoints: ['b1', 'b2', 'c1'] }),
  udpSlice({ service: 'dns', endpoints: ['a1', 'b1'] }),
]

function trackerWith(theseSlices = slices): RouteTracker {
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  for (const one of services) tracker.serviceChanged(undefined, one)
  for (const one of theseSlices) tracker.sliceChanged(undefined, one)
  return tracker
}

let socket: Netlink
before(() => {
  settleThread()
  socket = openNetlink(netlinkProtocol.netfilter)
})
after(() => socket.close())

const open = (): ProxyBackend & Disposable =>
  openNftablesBackend({ netlinkFd: openNetlink(netlinkProtocol.netfilter).fd, node, log: silentLog })

function elements(): string[] {
  return mapNames
    .flatMap((name) => {
      const lines: string[] = []
      listElements(socket, { family: nftFamily.IPv4, table: tableName, name }, (listed) => {
        lines.push(renderElement(decodeElement('IPv4', name, listed)!))
      })
      return lines
    })
    .toSorted()
}

const nft = (...args: string[]): string => execFileSync('nft', args, { encoding: 'utf8' })
const hasNft = (() => {
  try {
    execFileSync('nft', ['--version'])
    return true
  } catch {
    return false
  }
})()
const needsNft = { skip: hasNft ? false : 'nft is not installed' }

test('a restarted proxy finds its table and changes no element', async () => {
  {
    using first = open()
    await first.sync(trackerWith().collect().desired)
  }
  const written = elements()
  const generation = readGeneration(socket)
  using second = open()
  await second.sync(trackerWith().collect().desired)
  assert.deepEqual(elements(), written)
  assert.equal(readGeneration(socket), generation + 2, 'only the rules: fixed ones, and those of lists')
  await second.sync(trackerWith().collect().desired)
  assert.equal(readGeneration(socket), generation + 2, 'nothing to do the second time')
  await second.cleanup()
})

test('a restarted proxy makes up for what changed meanwhile, and keeps the places of the rest', async () => {
  {
    using first = open()
    await first.sync(trackerWith().collect().desired)
  }
  const written = elements()
  const later = [slice({ endpoints: ['c1', 'a1', 'b1'] }), ...slices.slice(1)]
  using second = open()
  await second.sync(trackerWith(later).collect().desired)
  const gone = written.filter((line) => !elements().includes(line))
  const added = elements().filter((line) => !written.includes(line))
  // The last endpoint moves into the hole; both lists get one shorter, which the ClusterIP's mark tells, too.
  assert.deepEqual(gone.map(firstWord).toSorted(), ['fronts', 'hairpin', 'lists', 'lists', 'slots', 'slots', 'slots'])
  assert.deepEqual(added.map(firstWord).toSorted(), ['fronts', 'lists', 'lists', 'slots'])
  await second.cleanup()
})

/** `count` endpoints from number `first` on. */
const manyEndpoints = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    addresses: [`10.244.${(first + index) >> 8}.${(first + index) & 255}`],
    nodeName: 'node-2',
  }))

test('a Service with 5,000 endpoints, replaced and shortened, does not need one big transaction', async () => {
  using backend = open()
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  tracker.serviceChanged(undefined, service())
  let before = slice({ endpoints: manyEndpoints(0, 5_000) })
  tracker.sliceChanged(undefined, before)
  await backend.sync(tracker.collect().desired)
  for (const endpoints of [manyEndpoints(2_000, 5_000), manyEndpoints(3_000, 2_500)]) {
    const after = slice({ endpoints })
    tracker.sliceChanged(before, after)
    before = after
    const { desired, changes } = tracker.collect()
    await backend.sync(desired, changes)
    const slots = elements().filter((line) => line.startsWith('slots '))
    assert.deepEqual(
      new Set(slots.map((line) => line.split(' : ')[1])),
      new Set(endpoints.map(({ addresses }) => `${addresses[0]} . 8080`)),
    )
    assert.ok(elements().some((line) => line.includes(` : lb-${endpoints.length} `)))
  }
  await backend.cleanup()
})

test('150 lists of different length, with affinity', async () => {
  using backend = open()
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  for (let count = 1; count <= 150; count++) {
    const name = `service-${count}`
    tracker.serviceChanged(undefined, service({ name, clusterIP: `10.96.1.${count}`, sessionAffinity: 'ClientIP' }))
    tracker.sliceChanged(undefined, slice({ service: name, endpoints: manyEndpoints(0, count) }))
  }
  await backend.sync(tracker.collect().desired)
  assert.equal(elements().filter((line) => line.startsWith('affinity-slots ')).length, (150 * 151) / 2)
  const written = elements()
  using successor = open()
  await successor.sync(tracker.collect().desired)
  assert.deepEqual(elements(), written)
  await successor.cleanup()
})

const otherRules = [
  `flush chain ip ${tableName} dispatch`,
  `add rule ip ${tableName} dispatch return`,
  `add rule ip ${tableName} dispatch return`,
].join('; ')
const damages: readonly (readonly [string, readonly string[]])[] = [
  ['an element deleted', ['delete', 'element', 'ip', tableName, 'cluster-ips', '{ 10.96.0.10 }']],
  ['an element added', ['add', 'element', 'ip', tableName, 'cluster-ips', '{ 10.96.0.77 }']],
  ['a chain flushed', ['flush', 'chain', 'ip', tableName, 'dispatch']],
  ['a rule added', ['insert', 'rule', 'ip', tableName, 'dispatch', 'return']],
  ['a chain with other rules, as many', [otherRules]],
  ['a policy changed', ['chain', 'ip', tableName, 'filter-output', '{ policy drop ; }']],
  ['a rule of a list added', ['insert', 'rule', 'ip', tableName, 'lb-4', 'drop']],
  ['a spread deleted', ['delete', 'element', 'ip', tableName, 'spreads', '{ 0x00000004 }']],
  ['a chain added', ['add', 'chain', 'ip', tableName, 'strange']],
  [
    'a chain added at a hook',
    ['add', 'chain', 'ip', tableName, 'strange', '{ type filter hook forward priority 0 ; }'],
  ],
  ['the table flushed', ['flush', 'table', 'ip', tableName]],
  ['the table deleted', ['delete', 'table', 'ip', tableName]],
  ['the ruleset flushed', ['flush', 'ruleset']],
]
for (const [name, command] of damages) {
  test(`repaired: ${name}`, needsNft, async () => {
    using backend = open()
    await backend.sync(trackerWith().collect().desired)
    const [table, written] = [nft('list', 'table', 'ip', tableName), elements()]
    assert.equal(await backend.verify(), false)
    nft(...command)
    assert.equal(await backend.verify(), true)
    assert.deepEqual(elements(), written)
    assert.deepEqual(sortedLines(nft('list', 'table', 'ip', tableName)), sortedLines(table))
    assert.equal(await backend.verify(), false)
    await backend.cleanup()
  })
}

test('a change that comes after damage repairs, too', needsNft, async () => {
  using backend = open()
  const tracker = trackerWith()
  await backend.sync(tracker.collect().desired)
  nft('flush', 'table', 'ip', tableName)
  nft('flush', 'map', 'ip', tableName, 'slots')
  tracker.sliceChanged(slices[0], slice({ endpoints: ['a1'] }))
  const { desired, changes } = tracker.collect()
  await backend.sync(desired, changes)
  const repaired = elements()
  await backend.cleanup()
  await backend.sync(desired)
  assert.deepEqual(repaired.map(withoutNumbers).toSorted(), elements().map(withoutNumbers).toSorted())
  await backend.cleanup()
})

test("another program's table is no damage, and survives clean-up", needsNft, async () => {
  using backend = open()
  await backend.sync(trackerWith().collect().desired)
  nft('add', 'table', 'ip', 'another')
  assert.equal(await backend.verify(), false)
  await backend.cleanup()
  assert.equal(nft('list', 'tables'), 'table ip another\n')
  nft('delete', 'table', 'ip', 'another')
  await backend.cleanup()
})

test('nft prints the whole table, with names', needsNft, async () => {
  using backend = open()
  await backend.sync(trackerWith().collect().desired)
  const text = nft('list', 'table', 'ip', tableName)
  assert.match(text, /comment "default\/web:http\/TCP" : 0x00000004/)
  assert.match(text, /comment "default\/web:http\/TCP local" : 0x00000002/)
  assert.match(text, /0x00000004 : goto lb-4/)
  assert.match(text, /10\.96\.0\.100 \. tcp \. 80 comment "default\/web:http\/TCP" : 0x[0-9a-f]{8}/)
  // Every packet of every stream would pass it.
  assert.doesNotMatch(text, /hook forward/)
  assert.match(text, /meta mark & 0x01f00000 vmap @spreads/)
  assert.match(text, /0x00400000 : goto lb-4/)
  assert.match(text, /ct mark set meta mark & 0x000fffff map @lists ct mark vmap @spreads/)
  assert.match(text, /dnat ip to meta mark & 0x000fffff \. numgen random mod 4 map @slots/)
  await backend.cleanup()
})

const sortedLines = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => line.split(/,\s*/))
    .map((line) => line.trim())
    .toSorted()

/** Endpoint numbers and places depend on history. */
const withoutNumbers = (line: string): string =>
  line.replace(/^(slots|lists|affinity-slots|endpoints) .*?(?= :)/, '$1').replace(/(affinity-slots) : \d+/, '$1')

const firstWord = (line: string): string => line.split(' ', 1)[0] ?? ''
