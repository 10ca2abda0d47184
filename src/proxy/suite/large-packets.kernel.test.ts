/** What pods send by TCP crosses nodes in packets larger than 64 KiB, on every link of the way, and arrives whole. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { test } from 'node:test'
import { bind, checked, connect } from '#kernel/libc.ts'
import { MessageWriter, readAttributes } from '#kernel/netlink/message.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { openTestNetwork } from './open-test-network.ts'
import { pods } from './packet-case.ts'

const port = 9000
const RTM_GETLINK = 18
const IFLA_GSO_IPV4_MAX_SIZE = 63
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

test('from a pod to one of another node', async (context) => {
  await using network = await openTestNetwork()
  if (!network.within('a1', knowsLargePackets)) return context.skip('this kernel is older than 6.3')
  const listening = network.openSocket('b1', 'TCP')
  const any = socketAddress('0.0.0.0', port)
  checked('bind', bind(listening, any, any.length))
  await using stack = new AsyncDisposableStack()
  const server = net.createServer().listen({ fd: listening })
  stack.defer(() => void server.close())
  await once(server, 'listening')
  const sending = network.openSocket('a1', 'TCP')
  const target = socketAddress(pods.b1.ip, port)
  const accepted = once(server, 'connection')
  connect(sending, target, target.length)
  const client = new net.Socket({ fd: sending, writable: true })
  stack.defer(() => void client.destroy())
  const [connection] = (await accepted) as [net.Socket]
  stack.defer(() => void connection.destroy())
  const before = network.within('b1', received)
  const sent = randomBytes(64 * 2 ** 20)
  client.end(sent)
  const arrived = Buffer.concat(await connection.toArray())
  const after = network.within('b1', received)
  assert.equal(sha256(arrived), sha256(sent))
  const bytesPerPacket = (after.bytes - before.bytes) / (after.packets - before.packets)
  context.diagnostic(`${bytesPerPacket.toFixed(0)} bytes per packet`)
  assert.ok(bytesPerPacket > 65_536, `${bytesPerPacket} bytes per packet`)
})

function received(): { readonly bytes: number; readonly packets: number } {
  const line = readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .find((text) => text.includes('eth0:'))
  const [, bytes, packets] = line!.trim().split(/[\s:]+/)
  return { bytes: Number(bytes), packets: Number(packets) }
}

function knowsLargePackets(): boolean {
  using socket = openNetlink(netlinkProtocol.route)
  const message = new MessageWriter()
  message.message(RTM_GETLINK).u8(0).u8(0).u16(0).i32(0).u32(0).u32(0)
  let isKnown = false
  socket.dump(message, ({ body }) => {
    isKnown ||= readAttributes(body, 16).has(IFLA_GSO_IPV4_MAX_SIZE)
  })
  return isKnown
}
