/**
 * Runs in the pods of rollout.ts: answers GET requests on port 8080 and ends as a well-behaved server does. On SIGTERM it
 * takes what already waits at its door, closes the door, and closes each connection with its next answer.
 */
import net from 'node:net'

const port = 8080
const body = `${process.env['POD_NAME'] ?? 'pod'}\n`
/** Connections without a request for so long after SIGTERM are closed without one. */
const idleMs = 20_000

let isEnding = false
const open = new Set<net.Socket>()
const server = net.createServer((socket) => {
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

function answer(socket: net.Socket, request: string): void {
  const isLast = isEnding || /\r\nconnection: close/i.test(request)
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: ${isLast ? 'close' : 'keep-alive'}\r\n\r\n`
  if (isLast) socket.end(head + body)
  else socket.write(head + body)
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
server.listen({ port, host: '0.0.0.0', backlog: 511 })
