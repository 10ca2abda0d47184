import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { PodDuplex } from './pod-duplex.ts'

const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')

/** A pod that answers what it hears first and listens no more; its answer is seen last. */
function hastyPod() {
  const seen = Promise.withResolvers<void>()
  const written: string[] = []
  async function* readable() {
    await seen.promise
    yield answer
  }
  return {
    written,
    connection: {
      readable: readable(),
      write: async (chunk: Uint8Array) => {
        written.push(Buffer.from(chunk).toString())
        setImmediate(seen.resolve)
        if (written.length > 1) throw new Error('write EPIPE')
      },
      end: () => {},
      destroy: () => {},
    },
  }
}

async function ask(connection: ConstructorParameters<typeof PodDuplex>[0], parts: readonly string[]): Promise<number> {
  const headers = { 'content-length': parts.join('').length }
  const request = http.request({ createConnection: () => new PodDuplex(connection), method: 'PUT', headers })
  const response = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', reject)
  })
  for (const part of parts) {
    request.write(Buffer.from(part))
    await new Promise((resolve) => process.nextTick(resolve))
  }
  request.end()
  const { statusCode = 0 } = await response
  return statusCode
}

test('a small request is one write', async () => {
  const { connection, written } = hastyPod()
  assert.equal(await ask(connection, ['x']), 200)
  assert.equal(written.length, 1)
  assert.match(written[0] ?? '', /^PUT [^]*\r\n\r\nx$/)
})

test('an answer counts although the rest of the request could not be sent', async () => {
  const { connection, written } = hastyPod()
  assert.equal(await ask(connection, ['x', 'y', 'z']), 200)
  assert.ok(written.length > 1)
})
