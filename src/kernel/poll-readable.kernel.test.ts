/** Watching sockets that have errors to tell. */
import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { checked, close, connect, errnoOf, lastErrno, pollReadable, recv, send, socket } from './libc.ts'
import { socketAddress } from './socket-address.ts'

const AF_INET = 2
const SOCK_DGRAM = 2 | 0x800 | 0x80000 // non-blocking, close-on-exec

test('watching goes on after an error: a refused datagram, then an answer', async () => {
  const server = dgram.createSocket('udp4')
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')

  const fd = checked('open socket', socket(AF_INET, SOCK_DGRAM, 0))
  const address = socketAddress('127.0.0.1', port)
  checked('connect', connect(fd, address, address.length))
  const buffer = new Uint8Array(64)
  let onRead: (outcome: string) => void = () => {}
  const poll = pollReadable(fd, () => {
    const length = recv(fd, buffer, buffer.length, 0)
    onRead(length < 0 ? String(lastErrno()) : Buffer.from(buffer.subarray(0, length)).toString())
  })
  const ask = (text: string): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>()
    onRead = resolve
    checked('send', send(fd, Buffer.from(text), text.length, 0))
    return promise
  }
  assert.equal(await ask('first'), String(errnoOf.ECONNREFUSED))
  assert.equal(await ask('second'), String(errnoOf.ECONNREFUSED))
  const echo = dgram.createSocket('udp4')
  echo.on('message', (data, from) => echo.send(data, from.port, from.address))
  echo.bind(port, '127.0.0.1')
  await once(echo, 'listening')
  assert.equal(await ask('third'), 'third')
  poll.close()
  close(fd)
  echo.close()
})
