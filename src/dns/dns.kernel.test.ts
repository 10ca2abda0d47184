/** DNS in a namespace of its own, asked from another one: over both transports, by our packets and by real resolvers. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import * as dnsPacket from 'dns-packet'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Namespace } from '#api/namespace.ts'
import { Pod } from '#api/pod.ts'
import { Service, type ServiceSpec } from '#api/service.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { connectInNetns } from '#kernel/connect-in-netns.ts'
import { releaseNamespace } from '#kernel/namespaces.ts'
import { type KernelBroker, startNamespaceBroker } from '#kernel/start-namespace-broker.ts'
import { planAddresses, planNode } from '#lib/address-plan.ts'
import { silentLog } from '#observe/log.ts'
import { HeldInformers } from '../../test/fixtures/held-informers.ts'
import { FrameSplitter, frame } from './frame-splitter.ts'
import type { QueryCounts } from './query-counts.ts'
import { serveTcp } from './serve-tcp.ts'
import { type Dns, startDns } from './start-dns.ts'

const plan = planAddresses(30)
const node = planNode(plan, 1)
const runDir = mkdtempSync(path.join(tmpdir(), 'dns-kernel-'))
const paths = clusterPaths(runDir)
const informers = new HeldInformers()
const stack = new AsyncDisposableStack()
const stop = new AbortController()
let broker: KernelBroker
let nodeNetns: string
let dns: Dns
/** Port of a server on the host that stands for the host's resolver. */
let upstreamPort: number

before(async () => {
  stack.defer(() => rmSync(runDir, { recursive: true }))
  broker = await startNamespaceBroker({ runDir })
  stack.defer(() => {
    releaseNamespace(paths.node(1))
    releaseNamespace(paths.underlay)
  })
  stack.use(broker)
  const underlay = await broker.ensureUnderlay(plan)
  nodeNetns = await broker.ensureNodeNetwork(plan, node, [])
  upstreamPort = await serveUpstream()
  const openUdp = () => broker.openSharedUdpSocket(underlay, plan.controlPlaneIp, 53)
  dns = stack.use(
    startDns(
      {
        informers,
        pods: informers.of(Pod),
        udpFds: [await openUdp(), await openUdp()],
        tcpFd: await broker.openTcpListener(underlay, plan.controlPlaneIp, 53),
        settings: {
          resolvConf: '/dev/null',
          stubDomains: { '': [{ address: '127.0.0.1', port: upstreamPort }] },
          ownAddresses: [plan.controlPlaneIp],
          clusterDomain: 'cluster.local',
          ownRanges: [plan.serviceCidr, plan.podCidr],
          endsSearches: true,
        },
        patienceMs: 0,
        queriesPerThread: 500,
        log: silentLog,
      },
      stop.signal,
    ),
  )
})
after(async () => {
  stop.abort()
  await stack.disposeAsync()
})

/** Over UDP it says the truth is longer; over TCP it has 60 addresses. */
async function serveUpstream(): Promise<number> {
  const answerTo = (packet: Uint8Array, isWhole: boolean): Uint8Array => {
    const { id, questions } = dnsPacket.decode(packet)
    const { name, type } = questions![0]!
    const isLong = name.startsWith('long.')
    const count = isLong ? 60 : 1
    const addresses = Array.from({ length: count }, (_, index) => `192.0.2.${index + 1}`)
    return dnsPacket.encode({
      type: 'response',
      id: id!,
      flags: isLong && !isWhole ? 0x0200 : 0,
      questions: questions!,
      answers:
        (isLong && !isWhole) || type !== 'A' ? [] : addresses.map((data) => ({ type: 'A', name, ttl: 60, data })),
    })
  }
  const udp = createSocket('udp4')
  udp.on('message', (packet, from) => udp.send(answerTo(packet, false), from.port, from.address))
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const tcp = createServer((socket) => {
    const splitter = new FrameSplitter()
    socket.on('data', (chunk) => splitter.push(chunk).forEach((packet) => socket.write(frame(answerTo(packet, true)))))
    socket.on('error', () => {})
  })
  tcp.listen(udp.address().port, '127.0.0.1')
  await once(tcp, 'listening')
  stack.defer(() => void udp.close())
  stack.defer(() => void tcp.close())
  return udp.address().port
}

type Answer = dnsPacket.PeerMessage

async function askUdp(...questions: { type: string; name: string; size?: number }[]): Promise<Answer[]> {
  const socket = createSocket('udp4')
  // listening as soon as it is bound, since the descriptor is
  socket.bind({ fd: await broker.openUdpSocket(nodeNetns, node.internalIp, 0) })
  const answers = new Map<number, Answer>()
  const all = Promise.withResolvers<void>()
  socket.on('message', (packet) => {
    const answer = dnsPacket.decode(packet)
    answers.set(answer.id!, answer)
    if (answers.size === questions.length) all.resolve()
  })
  for (const [id, { size, ...question }] of questions.entries()) {
    const additionals = size ? [{ type: 'OPT', name: '.', udpPayloadSize: size }] : []
    socket.send(
      dnsPacket.encode({ type: 'query', id, flags: 0x100, questions: [question], additionals }),
      53,
      plan.controlPlaneIp,
    )
  }
  await all.promise
  socket.close()
  return questions.map((_, id) => answers.get(id)!)
}

function connectFromNode(): Promise<Socket> {
  return connectInNetns(broker, { netns: nodeNetns, address: plan.controlPlaneIp, port: 53 }, stop.signal)
}

async function askTcp(...questions: { type: string; name: string }[]): Promise<Answer[]> {
  const socket = await connectFromNode()
  const answers = new Map<number, Answer>()
  const splitter = new FrameSplitter()
  const packets = questions.map((question, id) => frame(dnsPacket.encode({ type: 'query', id, questions: [question] })))
  // all at once, cut where no message ends
  const whole = Buffer.concat(packets)
  socket.write(whole.subarray(0, 5))
  socket.end(whole.subarray(5))
  for await (const chunk of socket) {
    for (const packet of splitter.push(chunk as Buffer)) {
      const answer = dnsPacket.decode(packet)
      answers.set(answer.id!, answer)
    }
  }
  return questions.map((_, id) => answers.get(id)!)
}

const data = (answer: Answer): unknown[] => answer.answers!.map((record) => record.data)
const web = 'web.default.svc.cluster.local'
const service = (name: string, spec: ServiceSpec): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec,
})
const slice = (of: string, count: number): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${of}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  endpoints: Array.from({ length: count }, (_, index) => ({ addresses: [`10.214.1.${index + 1}`] })),
})

test('cluster names are SERVFAIL until the caches are filled', async () => {
  const [early] = await askUdp({ type: 'A', name: web })
  assert.equal(early!.rcode, 'SERVFAIL')
  informers.of(Namespace).put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: {} })
  informers
    .of(Service)
    .put(service('web', { clusterIP: '10.126.0.7', clusterIPs: ['10.126.0.7'], ports: [{ port: 80 }] }))
  informers.of(Service).put(service('many', { clusterIP: 'None', clusterIPs: ['None'] }))
  informers.of(EndpointSlice).put(slice('many', 150))
  informers.sync()
  await new Promise(setImmediate)
  const [filled] = await askUdp({ type: 'A', name: web })
  assert.deepEqual(data(filled!), ['10.126.0.7'])
})

test('a new endpoint is in the very next answer', async () => {
  informers.of(Service).put(service('live', { clusterIP: 'None', clusterIPs: ['None'] }))
  for (const count of [1, 2, 3]) {
    informers.of(EndpointSlice).put(slice('live', count))
    const [answer] = await askUdp({ type: 'A', name: 'live.default.svc.cluster.local' })
    assert.equal(answer!.answers!.length, count)
  }
})

test('many endpoints: cut over UDP, as many as the asker takes; whole over TCP', async () => {
  const question = { type: 'A', name: 'many.default.svc.cluster.local' }
  const [small, large] = await askUdp(question, { ...question, size: 4096 })
  const [whole] = await askTcp(question)
  assert.deepEqual([small!.flag_tc, small!.answers!.length], [true, Math.floor((512 - 12 - 35) / 16)])
  assert.deepEqual([large!.flag_tc, large!.answers!.length], [true, Math.floor((1232 - 12 - 35 - 11) / 16)])
  assert.deepEqual([whole!.flag_tc, new Set(data(whole!)).size], [false, 150])
})

test('one TCP connection carries many questions at once, and may be half closed', async () => {
  const names = Array.from({ length: 200 }, (_, index) => (index % 2 ? web : 'other.example.com'))
  const answers = await askTcp(...names.map((name) => ({ type: 'A', name })))
  assert.deepEqual(new Set(answers.flatMap(data)), new Set(['10.126.0.7', '192.0.2.1']))
  assert.equal(answers.flatMap(data).length, 200)
})

test('a connection with many questions leaves room for others between its answers', async () => {
  const query = dnsPacket.encode({ type: 'query', id: 1, questions: [{ type: 'A', name: web }] })
  let begun = 0
  let begunInOneTurn = 0
  const answer = () => {
    if (begun++ === 0) setImmediate(() => (begunInOneTurn = begun))
    return query
  }
  const listening = await broker.openTcpListener(nodeNetns, node.internalIp, 5353)
  await using _server = await serveTcp(listening, { answer, askers: dns.engine.askers, log: silentLog })
  const socket = await connectInNetns(broker, { netns: nodeNetns, address: node.internalIp, port: 5353 }, stop.signal)
  const splitter = new FrameSplitter()
  let answers = 0
  socket.on('data', (chunk) => (answers += splitter.push(chunk).length))
  socket.end(Buffer.concat(Array.from({ length: 1000 }, () => frame(query))))
  await once(socket, 'end')
  assert.ok(begunInOneTurn < 100, `${begunInOneTurn} at once`)
  assert.equal(answers, 1000)
})

test('with too many connections the one that has been silent for longest goes', async () => {
  const listening = await broker.openTcpListener(nodeNetns, node.internalIp, 5354)
  const limits = { idleMs: 60_000, maxConnections: 2, maxUnanswered: 1 }
  const query = dnsPacket.encode({ type: 'query', id: 1, questions: [{ type: 'A', name: web }] })
  await using _server = await serveTcp(
    listening,
    { answer: () => query, askers: dns.engine.askers, log: silentLog },
    limits,
  )
  const connectAndAsk = async (): Promise<Socket> => {
    const to = { netns: nodeNetns, address: node.internalIp, port: 5354 }
    const socket = await connectInNetns(broker, to, stop.signal)
    socket.write(frame(query))
    await once(socket, 'data')
    return socket
  }
  const [first, second] = [await connectAndAsk(), await connectAndAsk()]
  first.write(frame(query))
  await once(first, 'data')
  const secondEnded = once(second, 'end')
  second.resume()
  const third = await connectAndAsk()
  await secondEnded
  first.write(frame(query))
  await once(first, 'data')
  for (const socket of [first, third]) socket.destroy()
})

test('names outside come from the host, longer answers over TCP', async () => {
  const [short, long] = await askTcp({ type: 'A', name: 'www.example.com' }, { type: 'A', name: 'long.example.com' })
  assert.deepEqual(data(short!), ['192.0.2.1'])
  assert.equal(data(long!).length, 60)
})

test('garbage is answered with FORMERR or silence, and the next question is answered', async () => {
  const socket = createSocket('udp4')
  // listening as soon as it is bound, since the descriptor is
  socket.bind({ fd: await broker.openUdpSocket(nodeNetns, node.internalIp, 0) })
  for (let length = 0; length < 40; length++) socket.send(Buffer.alloc(length, length), 53, plan.controlPlaneIp)
  socket.close()
  const [answer] = await askUdp({ type: 'A', name: web })
  assert.deepEqual(data(answer!), ['10.126.0.7'])
})

test('a connection that sends garbage does not disturb another', async () => {
  const broken = await connectFromNode()
  broken.on('error', () => {})
  broken.write(Buffer.alloc(4096, 0xff))
  const [answer] = await askTcp({ type: 'A', name: web })
  assert.deepEqual(data(answer!), ['10.126.0.7'])
  broken.destroy()
})

const resolvers: readonly { tool: string; probe: string[]; command: string[]; expected: RegExp }[] = [
  {
    tool: 'getent',
    probe: ['getent', 'hosts', 'localhost'],
    command: ['getent', 'ahostsv4', 'web'],
    expected: /10\.126\.0\.7 +STREAM web\.default\.svc\.cluster\.local/,
  },
  {
    tool: 'getent reverse',
    probe: ['getent', 'hosts', 'localhost'],
    command: ['getent', 'hosts', '10.126.0.7'],
    expected: /web\.default\.svc\.cluster\.local/,
  },
  {
    tool: 'getent outside',
    probe: ['getent', 'hosts', 'localhost'],
    command: ['getent', 'ahostsv4', 'www.example.com'],
    expected: /192\.0\.2\.1/,
  },
  {
    tool: 'busybox nslookup',
    probe: ['busybox', 'true'],
    command: ['busybox', 'nslookup', web],
    expected: /Address: 10\.126\.0\.7/,
  },
  { tool: 'dig over TCP', probe: ['dig', '-v'], command: ['dig', '+tcp', '+short', web], expected: /^10\.126\.0\.7$/m },
]
for (const { tool, probe, command, expected } of resolvers) {
  test(`a real resolver: ${tool}`, async (context) => {
    if (!isThere(probe)) return context.skip(`${probe[0]} is not installed`)
    assert.match(await runInNode(command), expected)
  })
}

function isThere([command = '', ...args]: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Runs a command as if in a pod of namespace default. */
async function runInNode(command: readonly string[]): Promise<string> {
  const resolvConf = path.join(runDir, 'resolv.conf')
  const searches = 'default.svc.cluster.local svc.cluster.local cluster.local'
  writeFileSync(resolvConf, `nameserver ${plan.controlPlaneIp}\nsearch ${searches}\noptions ndots:5\n`)
  const inside = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`
  const args = [`--net=${nodeNetns}`, 'unshare', '-m', 'sh', '-c', inside, 'sh', ...command]
  return (await promisify(execFile)('nsenter', args)).stdout
}

const lookup = "require('dns').lookup(process.argv[1], { all: true }, (error, found) => console.log(error ?? found))"
const resolve4 =
  "require('dns').resolve4(process.argv[1] + '.default.svc.cluster.local', (error, found) => console.log(error ?? found))"
const searchers: readonly { tool: string; probe: string[]; command: (name: string) => string[] }[] = [
  { tool: 'glibc', probe: ['getent', 'hosts', 'localhost'], command: (name) => ['getent', 'ahosts', name] },
  {
    tool: 'glibc, IPv4 only',
    probe: ['getent', 'hosts', 'localhost'],
    command: (name) => ['getent', 'ahostsv4', name],
  },
  {
    tool: 'busybox ping',
    probe: ['busybox', 'true'],
    command: (name) => ['busybox', 'ping', '-c', '1', '-W', '1', name],
  },
  { tool: 'node', probe: [process.execPath, '-v'], command: (name) => [process.execPath, '-e', lookup, name] },
  {
    tool: "node's c-ares",
    probe: [process.execPath, '-v'],
    command: (name) => [process.execPath, '-e', resolve4, name],
  },
  { tool: 'musl', probe: ['musl-gcc', '-v'], command: (name) => [muslProgram(), name] },
]

/** musl's own resolver, in a program of three lines. */
function muslProgram(): string {
  const program = path.join(runDir, 'musl-lookup')
  if (existsSync(program)) return program
  const source = `#include <netdb.h>
#include <stdio.h>
#include <arpa/inet.h>
int main(int c, char **v) { struct addrinfo *a, h = { .ai_socktype = SOCK_STREAM }; char t[99];
if (getaddrinfo(v[1], 0, &h, &a)) return 1;
for (; a; a = a->ai_next) puts(inet_ntop(a->ai_family, a->ai_family == AF_INET ? (void *)&((struct sockaddr_in *)a->ai_addr)->sin_addr : (void *)&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr, t, 99)); }`
  writeFileSync(`${program}.c`, source)
  execFileSync('musl-gcc', ['-static', '-o', program, `${program}.c`])
  return program
}

const searches: readonly { name: string; sought: string; found: string }[] = [
  { name: 'a Service of another namespace', sought: 'far.other', found: '10.126.0.8' },
  { name: 'a full name', sought: 'web.default.svc.cluster.local', found: '10.126.0.7' },
  { name: 'a name outside', sought: 'www.example.com', found: '192.0.2.1' },
]
for (const { tool, probe, command } of searchers) {
  for (const { name, sought, found } of searches) {
    test(`${tool} has its final answer at the first question: ${name}`, async (context) => {
      if (!isThere(probe)) return context.skip(`${probe[0]} is not installed`)
      putFar()
      const pod: Pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'asker', namespace: 'default', uid: 'u' },
        spec: { containers: [{ name: 'c' }] },
        status: { phase: 'Running', podIP: node.internalIp, podIPs: [{ ip: node.internalIp }] },
      }
      informers.of(Pod).put(pod)
      const { counts } = dns.engine.askers.byAddress(node.internalIp)
      const output = await runInNode(command(sought)).catch((error: { stdout: string }) => error.stdout)
      assert.ok(output.includes(found), output)
      assert.equal(counts.nxdomain, 0)
      assert.ok(counts.noerror <= 2 && counts.searched === counts.noerror, JSON.stringify(counts))

      // the same for an asker that the server does not know: all questions of the search, the same end
      informers.of(Pod).remove(pod.metadata)
      const before = { ...dns.engine.askers.nobody.counts }
      if (tool === "node's c-ares") return
      const plain = await runInNode(command(sought)).catch((error: { stdout: string }) => error.stdout)
      assert.ok(plain.includes(found), plain)
      const { nxdomain } = difference(dns.engine.askers.nobody.counts, before)
      assert.ok(nxdomain >= 1, `${nxdomain} names did not exist`)
    })
  }
}

function putFar(): void {
  informers.of(Namespace).put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' }, spec: {} })
  const spec = { clusterIP: '10.126.0.8', clusterIPs: ['10.126.0.8'], ports: [{ port: 80 }] }
  informers.of(Service).put({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'far', namespace: 'other' }, spec })
}

function difference(after: QueryCounts, before: QueryCounts): QueryCounts {
  const keys = Object.keys(after) as (keyof QueryCounts)[]
  return Object.fromEntries(keys.map((key) => [key, after[key] - before[key]])) as unknown as QueryCounts
}

// the last one: from now on who is asked is the kernel's choice
test('under load a second thread answers too, with every change', async () => {
  const socket = createSocket('udp4')
  socket.bind({ fd: await broker.openUdpSocket(nodeNetns, node.internalIp, 0) })
  const query = dnsPacket.encode({ type: 'query', id: 1, questions: [{ type: 'A', name: web }] })
  let answers = 0
  socket.on('message', () => answers++)
  while (dns.threads.size === 0 || answers === 0) {
    for (let count = 0; count < 50; count++) socket.send(query, 53, plan.controlPlaneIp)
    await new Promise(setImmediate)
  }
  socket.close()
  // each question from a port of its own: both sockets get some
  const askMany = async (): Promise<unknown[]> => {
    const all = await Promise.all(
      Array.from({ length: 40 }, () => askUdp({ type: 'A', name: 'moved.default.svc.cluster.local' })),
    )
    return [...new Set(all.map(([answer]) => data(answer!).join()))]
  }
  for (const clusterIP of ['10.126.0.21', '10.126.0.22', '10.126.0.23']) {
    informers.of(Service).put(service('moved', { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }] }))
    assert.deepEqual(await askMany(), [clusterIP])
  }
  const [, total] = /pod="",rcode="NOERROR"} (\d+)/.exec(await dns.renderMetrics())!
  assert.ok(Number(total) > dns.engine.askers.nobody.counts.noerror, 'the second thread has answered some')
})
