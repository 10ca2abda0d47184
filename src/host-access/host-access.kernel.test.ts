/** From the host's loopback into namespaces: what a node's ports and Services answer there is what the host gets. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Node } from '#api/node.ts'
import { Service, type ServiceSpec } from '#api/service.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { releaseNamespace } from '#kernel/namespaces.ts'
import { type KernelBroker, startNamespaceBroker } from '#kernel/start-namespace-broker.ts'
import { hasIpv6 } from '#kernel/probe-ipv6.ts'
import { internalIps, planAddresses, planNode } from '#lib/address-plan.ts'
import { silentLog } from '#observe/log.ts'
import { HeldInformers } from '../../test/fixtures/held-informers.ts'
import { type HostAccess, startHostAccess } from './start-host-access.ts'

const plan = planAddresses(29, hasIpv6() ? ['IPv4', 'IPv6'] : ['IPv4'])
const first = planNode(plan, 1)
const second = planNode(plan, 2)
const runDir = mkdtempSync(path.join(tmpdir(), 'host-access-kernel-'))
const paths = clusterPaths(runDir)
const informers = new HeldInformers()
const stack = new AsyncDisposableStack()
const stop = new AbortController()
let broker: KernelBroker
let hostAccess: HostAccess

before(async () => {
  stack.defer(() => rmSync(runDir, { recursive: true }))
  broker = await startNamespaceBroker({ runDir })
  stack.defer(() => [paths.node(1), paths.node(2), paths.underlay].forEach(releaseNamespace))
  stack.use(broker)
  const underlay = await broker.ensureUnderlay(plan)
  await broker.ensureNodeNetwork(plan, first, [second])
  await broker.ensureNodeNetwork(plan, second, [first])
  hostAccess = stack.use(
    startHostAccess({ informers, broker, underlay, privileged: false, log: silentLog }, stop.signal),
  )
  informers.of(Node).put(node('one', first), node('two', second))
})
after(async () => {
  stop.abort()
  await stack.disposeAsync()
})

const node = (name: string, addresses: typeof first): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: {},
  status: {
    addresses: [
      ...internalIps(addresses).map((address) => ({ type: 'InternalIP' as const, address })),
      { type: 'ExternalIP', address: addresses.hostLoopbackIp },
    ],
  },
})

const service = (name: string, spec: ServiceSpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec,
})
const nodePortService = (nodePort: number, protocol: 'TCP' | 'UDP' = 'TCP'): Service =>
  service('web', { type: 'NodePort', ports: [{ protocol, port: 80, nodePort }] })

async function listening(count: number): Promise<void> {
  while (hostAccess.open().length !== count) await new Promise(setImmediate)
}
async function offer(service: Service, listeners: number): Promise<void> {
  informers.of(Service).put(service)
  await listening(listeners)
}
async function withdraw(): Promise<void> {
  informers.of(Service).remove({ namespace: 'default', name: 'web' })
  await listening(0)
}

/** A server in a node's namespace, in place of the kernel's rules for its node port. */
async function serveOn(number: number, port: number, serve: (socket: Socket) => void): Promise<Server> {
  const { internalIp } = number === 1 ? first : second
  const server = createServer({ allowHalfOpen: true }, serve)
  server.listen({ fd: await broker.openTcpListener(paths.node(number), internalIp, port) })
  await once(server, 'listening')
  return server
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test('a node port answers on the loopback address of each node', async () => {
  const servers = [
    await serveOn(1, 30080, (socket) => void socket.end('from one')),
    await serveOn(2, 30080, (socket) => void socket.end('from two')),
  ]
  await offer(nodePortService(30080), 2)
  assert.equal(await readAll(connect(30080, first.hostLoopbackIp)), 'from one')
  assert.equal(await readAll(connect(30080, second.hostLoopbackIp)), 'from two')
  await withdraw()
  servers.forEach((server) => server.close())
})

test('what is sent arrives, also when the sender has already finished sending (half-close)', async () => {
  const sent = Buffer.alloc(3_000_000, 'abcdefg')
  const server = await serveOn(1, 30081, (socket) => {
    let bytes = 0
    socket.on('data', (chunk) => (bytes += chunk.length)).on('end', () => socket.end(`${bytes} bytes`))
  })
  await offer(nodePortService(30081), 2)
  const client = connect({ port: 30081, host: first.hostLoopbackIp, allowHalfOpen: true })
  client.end(sent)
  assert.equal(await readAll(client), `${sent.length} bytes`)
  await withdraw()
  server.close()
})

test('nobody there: the connection is reset at once, not left to a time-out', async () => {
  await offer(nodePortService(30082), 2)
  const client = connect(30082, first.hostLoopbackIp)
  const [error] = await once(client, 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  await withdraw()
})

test('a reset on either side reaches the other', async () => {
  const accepted = Promise.withResolvers<Socket>()
  const server = await serveOn(1, 30083, (socket) => accepted.resolve(socket.on('error', () => {})))
  await offer(nodePortService(30083), 2)
  const client = connect(30083, first.hostLoopbackIp)
  const inside = await accepted.promise
  const broken = once(inside, 'error')
  client.resetAndDestroy()
  assert.equal(((await broken)[0] as NodeJS.ErrnoException).code, 'ECONNRESET')
  await withdraw()
  server.close()
})

test('a Service that goes takes no new connections and leaves the old ones', async () => {
  const server = await serveOn(1, 30084, (socket) => void socket.pipe(socket))
  await offer(nodePortService(30084), 2)
  const client = connect(30084, first.hostLoopbackIp)
  client.write('before ')
  assert.equal(String((await once(client, 'data'))[0]), 'before ')
  await withdraw()
  const [error] = await once(connect(30084, first.hostLoopbackIp), 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
  client.end('after')
  assert.equal(await readAll(client), 'after')
  server.close()
})

test('a cluster IP answers on its loopback address, its low port above 8000', async (context) => {
  const clusterIp = `10.${96 + plan.index}.12.34`
  const address = `127.${96 + plan.index}.12.34`
  const spec = { clusterIP: clusterIp, clusterIPs: [clusterIp], ports: [{ protocol: 'TCP' as const, port: 80 }] }
  await offer(service('web', spec), 1)
  assert.deepEqual(hostAccess.open(), [`TCP ${address}:8080`])
  try {
    // in place of the proxy's rules on node 1, to which the underlay's route leads
    const addAddress = ['ip', 'address', 'add', `${clusterIp}/32`, 'dev', 'lo']
    await promisify(execFile)('nsenter', [`--net=${paths.node(1)}`, ...addAddress])
  } catch (error) {
    const { code } = error as { code?: string | number }
    if (code !== 'ENOENT' && code !== 127) throw error
    await withdraw()
    return context.skip('nsenter or ip is not installed')
  }
  const server = createServer((socket) => void socket.end('the Service'))
  server.listen({ fd: await broker.openTcpListener(paths.node(1), clusterIp, 80) })
  assert.equal(await readAll(connect(8080, address)), 'the Service')
  await withdraw()
  server.close()
})

test('a port that somebody else has is taken when it becomes free', async () => {
  const other = createServer().listen(30085, second.hostLoopbackIp)
  await once(other, 'listening')
  const server = await serveOn(2, 30085, (socket) => void socket.end('mine'))
  await offer(nodePortService(30085), 1)
  while (hostAccess.failed().length === 0) await new Promise(setImmediate)
  assert.deepEqual(
    hostAccess.failed().map(({ key, error }) => [key, (error as NodeJS.ErrnoException).code]),
    [[`TCP ${second.hostLoopbackIp}:30085`, 'EADDRINUSE']],
  )
  other.close()
  await listening(2)
  assert.equal(await readAll(connect(30085, second.hostLoopbackIp)), 'mine')
  assert.deepEqual(hostAccess.failed(), [])
  await withdraw()
  server.close()
})

test('nodes that come and go, and heartbeats that change nothing', async () => {
  await offer(nodePortService(30086), 2)
  informers.of(Node).remove({ name: 'two' })
  await listening(1)
  informers.of(Node).put({ ...node('one', first), metadata: { name: 'one', labels: { beat: '2' } } })
  assert.equal(hostAccess.open().length, 1)
  informers.of(Node).put(node('two', second))
  await listening(2)
  await withdraw()
})

test('many connections at once', async () => {
  const server = await serveOn(1, 30087, (socket) => void socket.pipe(socket))
  await offer(nodePortService(30087), 2)
  const answers = await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const client = connect({ port: 30087, host: first.hostLoopbackIp, allowHalfOpen: true })
      client.end(`client ${index}`)
      return readAll(client)
    }),
  )
  assert.deepEqual(
    answers,
    answers.map((_, index) => `client ${index}`),
  )
  await withdraw()
  server.close()
})

test('datagrams: each client gets its own answers', async () => {
  const echo = createSocket('udp4')
  echo.on('message', (packet, from) => echo.send(`${packet.toString()} back`, from.port, from.address))
  echo.bind({ fd: await broker.openUdpSocket(paths.node(1), first.internalIp, 30088) })
  await offer(nodePortService(30088, 'UDP'), 2)
  const ask = async (text: string): Promise<string[]> => {
    const client: UdpSocket = createSocket('udp4')
    const answers: string[] = []
    const both = Promise.withResolvers<void>()
    client.on('message', (packet) => answers.push(String(packet)) === 2 && both.resolve())
    for (const part of ['first', 'then']) client.send(`${text} ${part}`, 30088, first.hostLoopbackIp)
    await both.promise
    client.close()
    return answers.toSorted()
  }
  const answers = await Promise.all(['a', 'b', 'c'].map(ask))
  assert.deepEqual(
    answers,
    ['a', 'b', 'c'].map((text) => [`${text} first back`, `${text} then back`]),
  )
  await withdraw()
  echo.close()
})

test('a Service of IPv6 alone has the same doors', { skip: !hasIpv6() && 'this kernel has no IPv6' }, async () => {
  const { internalIp } = first.ipv6!
  const server = createServer((socket) => void socket.end(`over ${socket.localAddress}`))
  server.listen({ fd: await broker.openTcpListener(paths.node(1), internalIp, 30090) })
  await once(server, 'listening')
  const echo = createSocket('udp6')
  echo.on('message', (packet, from) => echo.send(`${String(packet)} back`, from.port, from.address))
  echo.bind({ fd: await broker.openUdpSocket(paths.node(1), internalIp, 30091) })
  const ports = [
    { name: 'tcp', protocol: 'TCP' as const, port: 80, nodePort: 30090 },
    { name: 'udp', protocol: 'UDP' as const, port: 81, nodePort: 30091 },
  ]
  await offer(service('web', { type: 'NodePort', ipFamilies: ['IPv6'], ports }), 4)
  assert.equal(await readAll(connect(30090, first.hostLoopbackIp)), `over ${internalIp}`)
  const client = createSocket('udp4')
  client.send('there', 30091, first.hostLoopbackIp)
  const [packet] = await once(client, 'message')
  assert.equal(String(packet), 'there back')
  client.close()
  await withdraw()
  echo.close()
  server.close()
})

test('datagrams to nobody end in silence, and the forward goes on', async () => {
  await offer(nodePortService(30089, 'UDP'), 2)
  const client = createSocket('udp4')
  client.send('lost', 30089, first.hostLoopbackIp)
  const echo = createSocket('udp4')
  echo.on('message', (packet, from) => echo.send(packet, from.port, from.address))
  echo.bind({ fd: await broker.openUdpSocket(paths.node(1), first.internalIp, 30089) })
  const answered = once(client, 'message')
  const again = setInterval(() => client.send('found', 30089, first.hostLoopbackIp), 20)
  const [packet] = await answered
  clearInterval(again)
  assert.match(String(packet), /lost|found/)
  client.close()
  echo.close()
  await withdraw()
})
