/**
 * Runs in the pods of rollout.ts: answers GET requests and datagrams on one port and ends as a well-behaved server does.
 * On SIGTERM it takes what already waits at its door, closes the door, and closes each connection with its next answer.
 * Environment: `PORT`; `START_DELAY_MS`, before it listens; `NOT_READY`, a directory: while a
 * file there has the name of the pod, `/ready` answers 503.
 */
import dgram from 'node:dgram'
import { existsSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

const { PORT = '8080', START_DELAY_MS = '0', NOT_READY = '' } = process.env
const notReadyFile = path.join(NOT_READY, os.hostname())
const body = `${os.hostname()}\n`
const answers = { kept: render('200 OK', 'keep-alive'), last: render('200 OK', 'close') }
const notReady = render('503 Service Unavailable', 'close')
/** Connections without a request for so long after SIGTERM are closed without one. */
const idleMs = 20_000

let isEnding = false
const open = new Set<net.Socket>()
const server = net.createServer({ noDelay: true }, (socket) => {
  open.add(socket)
  socket.on('close', () => {
    open.delete(socket)
    leaveWhenDone()
  })
  socket.on('error', () => {})
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
    for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
      answer(socket, received.slice(0, end))
      received = received.slice(end + 4)
    }
  })
})
const datagrams = dgram.createSocket('udp4', (message, { address, port }) => datagrams.send(message, port, address))

function render(status: string, connection: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: ${connection}\r\n\r\n${body}`
}

function answer(socket: net.Socket, request: string): void {
  if (request.startsWith('GET /ready ') && existsSync(notReadyFile)) socket.end(notReady)
  else if (isEnding || request.endsWith('Connection: close')) socket.end(answers.last)
  else socket.write(answers.kept)
}

function leaveWhenDone(): void {
  if (isEnding && !server.listening && open.size === 0) process.exit(0)
}

process.on('SIGTERM', () => {
  isEnding = true
  // Two turns of the loop: everything that the kernel has accepted by now gets its handler.
  setImmediate(() =>
    setImmediate(() => {
      server.close()
      leaveWhenDone()
    }),
  )
  setTimeout(() => process.exit(0), idleMs)
})
setTimeout(() => {
  // Both families where there are two.
  server.listen({ port: Number(PORT), backlog: 511 })
  datagrams.bind(Number(PORT), '0.0.0.0')
}, Number(START_DELAY_MS))
