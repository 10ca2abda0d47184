import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c, decodeSctp, encodeSctp, type SctpPacket } from './sctp-packet.ts'

test("the checksum is RFC 3720's", () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
})

const ports = { sourcePort: 40_000, destinationPort: 80 }
const packets: readonly SctpPacket[] = [
  { ...ports, type: 'INIT', verificationTag: 0, initiateTag: 0xdeadbeef, cookie: '' },
  { ...ports, type: 'INIT ACK', verificationTag: 0xdeadbeef, initiateTag: 1, cookie: 'a1:8080 10.244.1.3' },
  { ...ports, type: 'INIT ACK', verificationTag: 7, initiateTag: 1, cookie: 'c1:8081 fd00::af4:102' },
  { ...ports, type: 'ABORT', verificationTag: 7, initiateTag: 0, cookie: '' },
]
for (const packet of packets) {
  test(`${packet.type} ${packet.cookie} there and back`, () => {
    const bytes = encodeSctp(packet)
    assert.equal(bytes.length % 4, 0)
    assert.deepEqual(decodeSctp(bytes), packet)
    bytes.writeUInt8(bytes.readUInt8(4) ^ 1, 4)
    assert.equal(decodeSctp(bytes), undefined, 'a damaged one')
  })
}

test('what is something else', () => {
  assert.equal(decodeSctp(Buffer.alloc(11)), undefined)
  assert.equal(decodeSctp(Buffer.alloc(64)), undefined)
})
