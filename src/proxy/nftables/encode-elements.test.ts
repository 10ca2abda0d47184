import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MessageWriter, eachAttribute, readMessages } from '#kernel/netlink/message.ts'
import { readElement } from '#kernel/netlink/nftables.ts'
import type { IpFamily } from '#lib/ip.ts'
import { decodeElement } from './decode-elements.ts'
import { maxListLength } from './desired-list-chains.ts'
import type { Element } from './elements.ts'
import { encodeElement } from './encode-elements.ts'

const number = fc.integer({ min: 0, max: 0xffffffff })
const port = fc.integer({ min: 1, max: 65535 })
const protocol = fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const)
const addresses: Record<IpFamily, fc.Arbitrary<string>> = {
  IPv4: fc.ipV4(),
  IPv6: fc.constantFrom('fd00:10:96::a', '::1', '2001:db8:0:1:1:1:1:1', 'fe80::1:0:0:1'),
}

const elementOf = (family: IpFamily): fc.Arbitrary<Element> => {
  const address = addresses[family]
  const map = <M extends Element['map']>(name: M) => fc.constant(name)
  const plain = { noNullPrototype: true }
  return fc.oneof(
    fc.record({ map: map('fronts'), address, protocol, port, mark: number }, plain),
    fc.record({ map: map('fronts'), address, protocol, port, mark: number, comment: fc.constant('a/b:c/TCP') }, plain),
    fc.record({ map: map('nodeports'), protocol, port, mark: number }, plain),
    fc.record(
      {
        map: map('lists'),
        list: number,
        count: fc.integer({ min: 1, max: maxListLength }),
        affinitySeconds: fc.integer({ min: 0, max: 86_400 }),
        comment: fc.constant('a/b:c/TCP'),
      },
      plain,
    ),
    fc.record({ map: map('slots'), list: number, slot: number, address, port }, plain),
    fc.record({ map: map('affinity-slots'), list: number, slot: number, endpoint: number }, plain),
    fc.record({ map: map('endpoints'), endpoint: number, address, port }, plain),
    fc.record({ map: map('cluster-ips'), address }, plain),
    fc.record({ map: map('no-endpoints'), address, protocol, port }, plain),
    fc.record({ map: map('no-endpoint-nodeports'), protocol, port }, plain),
    fc.record({ map: map('hairpin'), address }, plain),
    fc.record({ map: map('allowed-sources'), list: number, from: address, to: address }, plain),
  )
}

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`decoding gives back any encoded element, ${family}`, () => {
    fc.assert(
      fc.property(elementOf(family), (element) => {
        const writer = new MessageWriter(8).message(1)
        encodeElement(writer, family, element, true)
        const [message] = [...readMessages(Buffer.from(writer.bytes()))]
        const body = message!.body
        let decoded: Element | undefined
        eachAttribute(body, 0, body.length, (_type, start, end) => {
          decoded = decodeElement(family, element.map, readElement(body, start, end))
        })
        assert.deepEqual(decoded, element)
      }),
    )
  })
}

test('an address of the wrong family is refused', () => {
  const writer = new MessageWriter().message(1)
  assert.throws(() => encodeElement(writer, 'IPv4', { map: 'cluster-ips', address: 'fd00::1' }, true), /Cannot read/)
  assert.throws(() => encodeElement(writer, 'IPv6', { map: 'cluster-ips', address: '10.0.0.1' }, true), /Cannot read/)
})
