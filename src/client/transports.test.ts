import assert from 'node:assert/strict'
import { test } from 'node:test'
import tls from 'node:tls'
import { openHttpsServer, type TestHttpsServer } from '#apiserver/suite/open-https-server.ts'
import { adminUser } from '#apiserver/pki/open-pki.ts'
import { Pod } from '#api/pod.ts'
import { isForbidden } from '#api/status-error.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { createClient } from './create-client.ts'
import { httpsTransport } from './https-transport.ts'
import { inProcessTransport } from './in-process-transport.ts'
import { startInformer } from './start-informer.ts'
import { checkTransport } from './transport-conformance.ts'

const accessTo = (server: TestHttpsServer): ClusterAccess => ({
  server: server.url,
  ca: server.pki.caCertificate,
  clientCertificate: server.pki.admin.certificate,
  clientKey: server.pki.admin.key,
  namespace: 'default',
})

async function openServer() {
  const userAgents = new Set<string | undefined>()
  const server = await openHttpsServer((handle) => (request) => {
    userAgents.add(request.headers['user-agent'])
    return handle(request)
  })
  return { server, userAgents, dispose: async () => server[Symbol.asyncDispose]() }
}

checkTransport('in process', async () => {
  const { server, ...rest } = await openServer()
  return { ...rest, transport: inProcessTransport(server.handle, adminUser) }
})

checkTransport('HTTP/2', async () => {
  const { server, ...rest } = await openServer()
  return { ...rest, transport: httpsTransport(accessTo(server)) }
})

checkTransport('HTTP/1.1', async () => {
  const { server, userAgents, dispose } = await openServer()
  const front = await http1Front(server)
  return {
    userAgents,
    transport: httpsTransport({ ...accessTo(server), server: `https://127.0.0.1:${front.port}` }),
    dispose: async () => {
      await front.close()
      await dispose()
    },
  }
})

/** A TLS server that offers no HTTP/2 and passes everything on. */
async function http1Front(server: TestHttpsServer): Promise<{ port: number; close(): Promise<void> }> {
  const { pki } = server
  const front = tls.createServer(
    { key: pki.serving.key, cert: pki.serving.certificate, ALPNProtocols: ['http/1.1'] },
    (socket) => {
      const back = tls.connect({
        port: server.port,
        host: '127.0.0.1',
        ca: pki.caCertificate,
        cert: pki.admin.certificate,
        key: pki.admin.key,
        ALPNProtocols: ['http/1.1'],
      })
      for (const end of [socket, back]) end.setNoDelay(true).on('error', () => {})
      socket.on('close', () => back.destroy())
      back.on('close', () => socket.destroy())
      socket.pipe(back).pipe(socket)
    },
  )
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  const address = front.address()
  assert.ok(typeof address === 'object' && address)
  return { port: address.port, close: () => new Promise((resolve) => front.close(() => resolve())) }
}

test('HTTPS: a token logs in, and rights are its user’s', async () => {
  await using server = await openHttpsServer()
  const { clientCertificate: _, clientKey: __, ...anonymous } = accessTo(server)
  await using transport = httpsTransport({ ...anonymous, token: async () => 'nobodys-token' })
  await assert.rejects(
    createClient({ transport, userAgent: 'test' }).of(Pod).list({ namespace: 'default' }),
    (error) => {
      assert.ok(isForbidden(error))
      assert.match(
        error.message,
        /^pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace/,
      )
      return true
    },
  )
})

test('HTTPS: a server certificate of somebody else is refused', async () => {
  await using server = await openHttpsServer()
  await using other = await openHttpsServer()
  await using transport = httpsTransport({ ...accessTo(server), ca: other.pki.caCertificate })
  await assert.rejects(createClient({ transport, userAgent: 'test' }).of(Pod).list(), /Cannot connect to 127.0.0.1/)
})

test('HTTPS: an informer outlives a restart of the server', async () => {
  await using server = await openHttpsServer()
  await using transport = httpsTransport(accessTo(server))
  const client = createClient({ transport, userAgent: 'test' })
  const wait = () => new Promise<void>((resolve) => setImmediate(resolve))
  await using informer = startInformer(client, Pod, { wait }, new AbortController().signal)
  await informer.synced
  const before = informer.list().length
  await server.stop()
  const container = { name: 'c', image: 'i' }
  await server.create('/api/v1/namespaces/default/pods', {
    metadata: { name: 'late' },
    spec: { containers: [container] },
  })
  const appeared = Promise.withResolvers<void>()
  informer.onChange(({ after }) => after?.metadata.name === 'late' && appeared.resolve())
  await server.start()
  await appeared.promise
  assert.equal(informer.list().length, before + 1)
})

test('HTTPS: a server that says when to come back is asked again', async () => {
  let refusals = 3
  await using server = await openHttpsServer((handle) => async (request) => {
    if (refusals-- > 0) return { status: 429, headers: { 'retry-after': '0' }, body: { type: 'object', value: {} } }
    return handle(request)
  })
  await using transport = httpsTransport(accessTo(server))
  await createClient({ transport, userAgent: 'test' }).of(Pod).list()
  assert.equal(refusals, -1)
})
