import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MessageWriter, attributeText, listAttributes, readAttributes, readMessages } from './message.ts'

test('a message carries its type, flags and padded attributes', () => {
  const writer = new MessageWriter(8)
  writer.message(16, 0x400).u8(2).u8(0).u16be(10)
  writer.attrText(1, 'eth0').attr32be(2, 0x01020304)
  writer.nest(5, (nested) => nested.attr8(1, 7))
  writer.message(17).attr64be(3, 9n)
  const [first, second, ...rest] = [...readMessages(Buffer.from(writer.bytes()))]
  assert.equal(rest.length, 0)
  assert.deepEqual([first!.type, first!.flags], [16, 0x401])
  assert.deepEqual([...first!.body.subarray(0, 4)], [2, 0, 0, 10])
  const attributes = readAttributes(first!.body, 4)
  assert.equal(attributeText(attributes.get(1)!), 'eth0')
  assert.equal(attributes.get(2)!.readUInt32BE(0), 0x01020304)
  assert.equal(readAttributes(attributes.get(5)!).get(1)![0], 7)
  assert.equal(readAttributes(second!.body).get(3)!.readBigUInt64BE(0), 9n)
})

test('clear forgets the messages', () => {
  const writer = new MessageWriter()
  writer.message(1).u32(1)
  writer.clear()
  assert.equal(writer.messageCount, 0)
  assert.equal(writer.bytes().length, 0)
})

test('a message cut short is refused', () => {
  const bytes = Buffer.from(new MessageWriter().message(1).u32(1).bytes())
  assert.throws(() => [...readMessages(bytes.subarray(0, 18))], /Cannot read netlink message/)
})

test('reading gives back any attributes written', () => {
  const attribute = fc.record(
    { type: fc.integer({ min: 1, max: 0x3fff }), value: fc.uint8Array({ maxLength: 40 }) },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(fc.array(attribute, { maxLength: 8 }), { minLength: 1, maxLength: 5 }), (messages) => {
      const writer = new MessageWriter(16)
      for (const attributes of messages) {
        writer.message(3)
        for (const { type, value } of attributes) writer.attrBytes(type, value)
      }
      const read = [...readMessages(Buffer.from(writer.bytes()))].map((message) =>
        listAttributes(message.body).map(({ type, value }) => ({ type, value: new Uint8Array(value) })),
      )
      assert.deepEqual(read, messages)
    }),
  )
})
