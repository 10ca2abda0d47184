import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import https from 'node:https'
import { after, before, describe, test } from 'node:test'
import { type ClientOptions, WebSocket } from 'ws'
import { openHttpsServer, type TestHttpsServer } from '../suite/open-https-server.ts'
import { decodeChannelMessage, encodeChannelMessage } from './encode-channels.ts'

let server: TestHttpsServer
describe('streams over WebSocket', () => {
  before(async () => {
    server = await openHttpsServer()
  })
  after(() => server[Symbol.asyncDispose]())

  interface Received {
    readonly protocol: string
    readonly code: number
    /** What came on each channel, joined. */
    readonly channels: ReadonlyMap<number, Buffer>
  }

  const admin = (): ClientOptions => ({
    ca: server.pki.caCertificate,
    cert: server.pki.admin.certificate,
    key: server.pki.admin.key,
    perMessageDeflate: false,
  })

  function open(path: string, protocols: string[], options: ClientOptions = admin()): WebSocket {
    return new WebSocket(`${server.url.replace('https', 'wss')}${path}`, protocols, options)
  }

  /** Sends when the connection is open, then gathers everything until the server closes. */
  async function talk(socket: WebSocket, send: (socket: WebSocket) => void = () => {}): Promise<Received> {
    const channels = new Map<number, Buffer>()
    socket.on('message', (message: Buffer) => {
      const decoded = decodeChannelMessage(socket.protocol || 'channel.k8s.io', message)
      if (!decoded) return
      channels.set(decoded.channel, Buffer.concat([channels.get(decoded.channel) ?? Buffer.alloc(0), decoded.data]))
    })
    await once(socket, 'open')
    send(socket)
    const [code] = (await once(socket, 'close')) as [number]
    return { protocol: socket.protocol, code, channels }
  }

  const execPath = (query: string, pod = 'web') => `/api/v1/namespaces/default/pods/${pod}/exec?${query}`
  const success = '{"metadata":{},"status":"Success"}'
  const failure3 =
    '{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 3",' +
    '"reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}'

  const execCases = [
    { offers: ['v5.channel.k8s.io'], protocol: 'v5.channel.k8s.io', status: failure3 },
    { offers: ['v4.channel.k8s.io'], protocol: 'v4.channel.k8s.io', status: failure3 },
    { offers: ['v5.channel.k8s.io', 'v4.channel.k8s.io'], protocol: 'v5.channel.k8s.io', status: failure3 },
    { offers: ['v4.base64.channel.k8s.io'], protocol: 'v4.base64.channel.k8s.io', status: failure3 },
    {
      offers: ['base64.channel.k8s.io'],
      protocol: 'base64.channel.k8s.io',
      status: 'command terminated with non-zero exit code: exit status 3',
    },
    { offers: [], protocol: '', status: 'command terminated with non-zero exit code: exit status 3' },
  ]
  for (const { offers, protocol, status } of execCases) {
    test(`exec over ${offers.join(', ') || 'a WebSocket without subprotocol'}: output, exit code, close 1000`, async () => {
      const received = await talk(open(execPath('command=exit&command=3&stdout=1&stderr=true'), offers))
      assert.equal(received.protocol, protocol)
      assert.equal(received.channels.get(1)?.toString(), 'to stdout\n')
      assert.equal(received.channels.get(2)?.toString(), 'to stderr\n')
      assert.equal(received.channels.get(3)?.toString(), status)
      assert.equal(received.code, 1000)
    })
  }

  for (const protocol of ['v5.channel.k8s.io']) {
    test(`exec over ${protocol}: binary input, half-closed`, async () => {
      const sent = randomBytes(300_000)
      const received = await talk(open(execPath('command=cat&stdin=1&stdout=1'), [protocol]), (socket) => {
        socket.send(encodeChannelMessage(protocol, 0, sent))
        socket.send(Buffer.of(255, 0))
      })
      assert.ok(received.channels.get(1)?.equals(sent))
      assert.equal(received.channels.get(3)?.toString(), success)
    })
  }

  test('exec with a terminal: its size arrives, and stderr is not separate', async () => {
    const received = await talk(
      open(execPath('command=size&stdin=1&stdout=1&tty=1'), ['v4.channel.k8s.io']),
      (socket) => {
        socket.send(encodeChannelMessage('v4.channel.k8s.io', 4, Buffer.from('{"Width":132,"Height":43}\n')))
      },
    )
    assert.equal(received.channels.get(1)?.toString(), '132x43\n')
  })

  test('exec of what does not exist tells so on the status channel', async () => {
    const received = await talk(open(execPath('command=nothing&stdout=1'), ['v5.channel.k8s.io']))
    const status = JSON.parse(received.channels.get(3)?.toString() ?? '') as { message: string; reason: string }
    assert.match(status.message, /"nothing": executable file not found/)
    assert.equal(status.reason, 'InternalError')
  })

  test('a client that goes away closes its command', async () => {
    const socket = open(execPath('command=hang&stdin=1&stdout=1'), ['v5.channel.k8s.io'])
    await once(socket, 'open')
    while (server.podStreams.running.size === 0) await new Promise((resolve) => setImmediate(resolve))
    socket.terminate()
    while (server.podStreams.running.size > 0) await new Promise((resolve) => setImmediate(resolve))
  })

  const refusals = [
    {
      name: 'a missing pod',
      path: execPath('command=x&stdout=1', 'missing'),
      code: 404,
      message: /pods "missing" not found/,
    },
    {
      name: 'a completed pod',
      path: execPath('command=x&stdout=1', 'done'),
      code: 400,
      message: /current phase is Succeeded/,
    },
    { name: 'no command', path: execPath('stdout=1'), code: 400, message: /at least 1 command/ },
    { name: 'no stream', path: execPath('command=x'), code: 400, message: /at least 1 of stdin/ },
    {
      name: 'an unknown container',
      path: execPath('command=x&stdout=1&container=c'),
      code: 400,
      message: /c is not valid/,
    },
    {
      name: 'an unknown subprotocol',
      path: execPath('command=x&stdout=1'),
      protocols: ['v9.channel.k8s.io'],
      code: 400,
      message: /unable to negotiate protocol/,
    },
    { name: 'a wrong token', path: execPath('command=x&stdout=1'), token: 'wrong', code: 401, message: /Unauthorized/ },
    {
      name: 'a user without the right to create',
      path: execPath('command=x&stdout=1'),
      token: 'nobodys-token',
      code: 403,
      message:
        /^pods "web" is forbidden: User "bob" cannot create resource "pods\/exec" in API group "" in the namespace/,
    },
    {
      name: 'port-forward without ports',
      path: '/api/v1/namespaces/default/pods/web/portforward',
      protocols: ['v4.channel.k8s.io'],
      code: 400,
      message: /"ports" must name/,
    },
    {
      name: 'port-forward to a pod that does not run',
      path: '/api/v1/namespaces/default/pods/pending/portforward?ports=7',
      protocols: ['v4.channel.k8s.io'],
      code: 400,
      message: /pod is not running. Current status=Pending/,
    },
    { name: 'what has no upgrade', path: '/version', code: 400, message: /cannot be upgraded/ },
  ]
  for (const { name, path, protocols = ['v5.channel.k8s.io'], token, code, message } of refusals) {
    test(`before the handshake ${name} is refused with ${code} and a Status`, async () => {
      const options: ClientOptions = token
        ? { ca: server.pki.caCertificate, headers: { authorization: `Bearer ${token}` } }
        : admin()
      const socket = open(path, protocols, options)
      socket.on('error', () => {})
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, import('node:http').IncomingMessage]
      const body = Buffer.concat((await response.toArray()) as Buffer[]).toString()
      assert.equal(response.statusCode, code)
      assert.match((JSON.parse(body) as { message: string }).message, message)
      socket.terminate()
    })
  }

  test('port-forward over channels: the port first, then bytes both ways, then close', async () => {
    const protocol = 'v4.channel.k8s.io'
    const socket = open('/api/v1/namespaces/default/pods/web/portforward?ports=80', [protocol, 'v5.channel.k8s.io'])
    const received = await talk(socket, () => {
      socket.send(
        encodeChannelMessage(protocol, 0, Buffer.from('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')),
      )
    })
    assert.equal(received.protocol, protocol)
    assert.deepEqual(received.channels.get(0)?.subarray(0, 2), Buffer.of(80, 0))
    assert.deepEqual(received.channels.get(1), Buffer.of(80, 0))
    assert.match(received.channels.get(0)?.toString() ?? '', /HTTP\/1.1 200 OK[^]*"url":"\/x"/)
    assert.equal(received.code, 1000)
  })

  test('port-forward over channels: a refused port tells why on its error channel', async () => {
    const received = await talk(open('/api/v1/namespaces/default/pods/web/portforward?ports=99', ['v4.channel.k8s.io']))
    assert.match(
      received.channels.get(1)?.toString() ?? '',
      /error forwarding port 99 to pod web: connect: connection refused/,
    )
  })

  for (const [protocol, decode] of [
    [undefined, (message: Buffer) => message.toString()],
    ['base64.binary.k8s.io', (message: Buffer) => Buffer.from(message.toString(), 'base64').toString()],
  ] as const) {
    test(`a watch over a WebSocket ${protocol ? `with ${protocol}` : 'without subprotocol'}`, async () => {
      const path = '/api/v1/namespaces/default/services?watch=1'
      const socket = open(path, protocol ? [protocol] : [])
      const [message, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
      const event = JSON.parse(decode(message)) as { type: string; object: { kind: string } }
      assert.deepEqual([event.type, event.object.kind, isBinary], ['ADDED', 'Service', false])
      assert.equal(socket.protocol, protocol ?? '')
      socket.close()
      await once(socket, 'close')
    })
  }

  test('a browser’s token comes as a subprotocol and is not chosen', async () => {
    const minted = server.auth.mintToken({ namespace: 'default', name: 'default', uid: await serviceAccountUid() })
    const token = `base64url.bearer.authorization.k8s.io.${Buffer.from(minted.token).toString('base64url')}`
    const socket = open('/api/v1/namespaces/default/services?watch=1', [token, 'base64.binary.k8s.io'], {
      ca: server.pki.caCertificate,
    })
    socket.on('error', () => {})
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, import('node:http').IncomingMessage]
    const body = Buffer.concat((await response.toArray()) as Buffer[]).toString()
    assert.match(body, /User \\"system:serviceaccount:default:default\\" cannot watch/)
    socket.terminate()
  })

  async function serviceAccountUid(): Promise<string> {
    const { ServiceAccount } = await import('#api/service-account.ts')
    return server.api.objects.get(ServiceAccount, 'default', 'default')?.metadata.uid ?? ''
  }

  test('an upgrade is proxied to the pod', async () => {
    const request = https.request(`${server.url}/api/v1/namespaces/default/pods/web:80/proxy/chat`, {
      ca: server.pki.caCertificate,
      cert: server.pki.admin.certificate,
      key: server.pki.admin.key,
      headers: { connection: 'Upgrade', upgrade: 'echo' },
    })
    request.end()
    const [response, socket] = (await once(request, 'upgrade')) as [
      import('node:http').IncomingMessage,
      import('node:net').Socket,
    ]
    assert.equal(response.headers.upgrade, 'echo')
    socket.write('ping')
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    assert.equal(chunk.toString(), 'ping')
    socket.destroy()
  })
})
