/** Runs the table of packet cases over one back end, in real namespaces. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { close, connect, errnoOf, lastErrno, pollReadable, recv, send } from '#kernel/libc.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { deleteFlows } from '#kernel/netlink/conntrack.ts'
import { netlinkFrom, type Netlink } from '#kernel/netlink/socket.ts'
import type { NodeTraffic, ProxyBackend } from '../backend.ts'
import { protocolNumber } from '../backend.ts'
import { RouteTracker } from '../desired-routes.ts'
import { ConntrackReconciler } from '../reconcile-conntrack.ts'
import { coverageOf } from './coverage.ts'
import { openTestNetwork, type TestNetwork } from './open-test-network.ts'
import {
  nodeNames,
  nodes,
  plan,
  type ClusterState,
  type Dial,
  type NodeName,
  type Outcome,
  type PacketCase,
} from './packet-case.ts'

export interface SuiteBackend {
  readonly name: string
  open(options: { readonly netlinkFd: number; readonly node: NodeTraffic }): ProxyBackend & Disposable
}

/** Long enough for an answer on a busy machine; only silence takes so long. */
const silenceMs = 400
const defaultTimes = 40
const MSG_DONTWAIT = 0x40

export function runPacketSuite(backend: SuiteBackend, cases: readonly PacketCase[]): void {
  let cluster: SuiteCluster
  before(async () => {
    cluster = await openSuiteCluster(backend)
  })
  after(async () => {
    await cluster?.[Symbol.asyncDispose]()
  })
  for (const packetCase of cases) {
    test(`${backend.name}: ${packetCase.name}`, () => cluster.run(packetCase))
  }
  test(`${backend.name}: what the table does not cover yet`, (context) => {
    const { uncoveredRows, uncoveredFields, unknownTags } = coverageOf(cases)
    assert.deepEqual(unknownTags, [])
    for (const row of uncoveredRows) context.diagnostic(`not covered: ${row}`)
    for (const field of uncoveredFields) context.diagnostic(`not covered: Service spec.${field}`)
  })
}

interface SuiteNode {
  readonly name: NodeName
  readonly backend: ProxyBackend & Disposable
  readonly conntrackSocket: Netlink
}

async function openSuiteCluster(backend: SuiteBackend): Promise<SuiteCluster> {
  const network = await openTestNetwork()
  const suiteNodes = nodeNames.map((name): SuiteNode => {
    const node: NodeTraffic = {
      family: 'IPv4',
      podCidr: nodes[name].podCidr,
      serviceCidrs: [plan.serviceCidr],
      masqueradeAll: false,
    }
    return {
      name,
      backend: backend.open({ netlinkFd: network.openNetfilter(name), node }),
      conntrackSocket: netlinkFrom(network.openNetfilter(name)),
    }
  })
  return new SuiteCluster(network, suiteNodes)
}

/** One node's proxy as it lives through the steps of a case. */
interface LiveProxy {
  readonly node: SuiteNode
  readonly tracker: RouteTracker
  readonly conntrack: ConntrackReconciler
}

class SuiteCluster implements AsyncDisposable {
  readonly #network: TestNetwork
  readonly #nodes: readonly SuiteNode[]
  readonly #sockets = new Map<string, UdpClient>()

  constructor(network: TestNetwork, suiteNodes: readonly SuiteNode[]) {
    this.#network = network
    this.#nodes = suiteNodes
  }

  async run({ steps }: PacketCase): Promise<void> {
    const proxies = this.#nodes.map((node) => ({
      node,
      tracker: new RouteTracker('IPv4', { name: node.name }),
      conntrack: new ConntrackReconciler(node.conntrackSocket, [plan.serviceCidr]),
    }))
    for (const { conntrackSocket } of this.#nodes) {
      for (const protocol of Object.values(protocolNumber)) deleteFlows(conntrackSocket, { family: 'IPv4', protocol })
    }
    let state: ClusterState = { services: [], slices: [] }
    try {
      for (const [index, step] of steps.entries()) {
        for (const proxy of proxies) await changeState(proxy, state, step, index === 0)
        state = step
        const outcomes = await Promise.all(step.dials.map((dial) => this.#dial(dial)))
        const seen = step.dials.map((dial, place) => ({ ...described(dial), outcome: outcomes[place] }))
        const wanted = step.dials.map((dial) => ({ ...described(dial), outcome: normalized(dial.expect) }))
        assert.deepEqual(seen, wanted, `step ${index + 1}`)
      }
    } finally {
      for (const client of this.#sockets.values()) client.close()
      this.#sockets.clear()
    }
  }

  async #dial(dial: Dial): Promise<Outcome> {
    const times = typeof dial.expect === 'string' ? 1 : (dial.times ?? defaultTimes)
    const answers: string[] = []
    // A few at a time: the answering side runs in this process, too. One socket can wait for one answer only.
    const atOnce = dial.socket === undefined ? 10 : 1
    for (let done = 0; done < times; done += atOnce) {
      const batch = Array.from({ length: Math.min(atOnce, times - done) }, () => this.#exchange(dial))
      answers.push(...(await Promise.all(batch)))
    }
    const failure = answers.find((answer) => answer === 'refused' || answer === 'timeout')
    if (failure) return failure as Outcome
    return summarize(answers, dial.expect)
  }

  #exchange(dial: Dial): Promise<string> {
    const [address = '', port = ''] = dial.to.split(':')
    const target = socketAddress(address, Number(port))
    if (dial.protocol !== 'UDP') return exchangeTcp(this.#network.openSocket(dial.from, 'TCP'), target)
    if (dial.socket === undefined) {
      const client = new UdpClient(this.#network.openSocket(dial.from, 'UDP'), target)
      return client.exchange().finally(() => client.close())
    }
    let client = this.#sockets.get(dial.socket)
    if (!client) {
      client = new UdpClient(this.#network.openSocket(dial.from, 'UDP'), target)
      this.#sockets.set(dial.socket, client)
    }
    return client.exchange()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { backend, conntrackSocket } of this.#nodes) {
      await backend.cleanup()
      backend[Symbol.dispose]()
      conntrackSocket.close()
    }
    await this.#network[Symbol.asyncDispose]()
  }
}

async function changeState(
  { node, tracker, conntrack }: LiveProxy,
  before: ClusterState,
  after: ClusterState,
  isFirst: boolean,
): Promise<void> {
  const zone = after.zones?.[node.name]
  tracker.nodeChanged({ name: node.name, ...(zone !== undefined && { zone }) })
  forEachChange(before.services, after.services, (old, now) => tracker.serviceChanged(old, now))
  forEachChange(before.slices, after.slices, (old, now) => tracker.sliceChanged(old, now))
  const { desired, changed } = tracker.collect()
  await node.backend.sync(desired, isFirst ? undefined : changed)
  conntrack.reconcile(desired, isFirst ? undefined : changed)
}

function forEachChange<T extends { readonly metadata: { readonly name: string } }>(
  before: readonly T[],
  after: readonly T[],
  visit: (old: T | undefined, now: T | undefined) => void,
): void {
  const left = new Map(before.map((object) => [object.metadata.name, object]))
  for (const object of after) {
    const old = left.get(object.metadata.name)
    left.delete(object.metadata.name)
    if (old !== object) visit(old, object)
  }
  for (const object of left.values()) visit(object, undefined)
}

const described = ({ from, to, protocol = 'TCP' }: Dial) => ({ from, to, protocol })

const normalized = (outcome: Outcome): Outcome =>
  typeof outcome === 'string' ? outcome : { ...outcome, by: outcome.by.toSorted() }

/** What was seen, in the terms of what was expected. */
function summarize(answers: readonly string[], expected: Outcome): Outcome {
  const by = [...new Set(answers.map((answer) => answer.split(' ')[0]!))].toSorted()
  const seenAs = [...new Set(answers.map((answer) => answer.split(' ')[1]!))].toSorted().join(',')
  if (typeof expected === 'string') return { by, seenAs }
  const showSource = expected.seenAs !== undefined
  if (!expected.sticky) return { by, ...(showSource && { seenAs }) }
  const stuckTo = by.length === 1 && expected.by.includes(by[0]!) ? expected.by.toSorted() : by
  return { by: stuckTo, ...(showSource && { seenAs }), ...(by.length === 1 && { sticky: true }) }
}

function exchangeTcp(fd: number, target: Uint8Array): Promise<string> {
  if (connect(fd, target, target.length) < 0 && lastErrno() !== errnoOf.EINPROGRESS) {
    const outcome = lastErrno() === errnoOf.ECONNREFUSED ? 'refused' : `errno ${lastErrno()}`
    close(fd)
    return Promise.resolve(outcome)
  }
  return new Promise((resolve) => {
    const connection = new net.Socket({ fd, readable: true, writable: true })
    let text = ''
    const timer = setTimeout(() => finish('timeout'), silenceMs)
    const finish = (outcome: string) => {
      clearTimeout(timer)
      connection.destroy()
      resolve(outcome)
    }
    connection.on('data', (data) => (text += data.toString()))
    connection.on('end', () => finish(text))
    connection.on('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' ? 'refused' : String(error.code)),
    )
    connection.resume()
  })
}

/** A connected UDP socket: one datagram out, one answer or ICMP error back. */
class UdpClient {
  readonly #fd: number
  readonly #buffer = new Uint8Array(256)
  readonly #poll: { close(): void }
  #onReadable: () => void = () => {}

  constructor(fd: number, target: Uint8Array) {
    this.#fd = fd
    connect(fd, target, target.length)
    this.#poll = pollReadable(fd, () => this.#onReadable())
  }

  exchange(): Promise<string> {
    return new Promise((resolve) => {
      const finish = (outcome: string) => {
        clearTimeout(timer)
        this.#onReadable = () => {}
        resolve(outcome)
      }
      const timer = setTimeout(() => finish('timeout'), silenceMs)
      const receive = () => {
        const length = recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT)
        if (length >= 0) finish(Buffer.from(this.#buffer.subarray(0, length)).toString())
        else if (lastErrno() === errnoOf.ECONNREFUSED) finish('refused')
        else if (lastErrno() !== errnoOf.EAGAIN) finish(`errno ${lastErrno()}`)
      }
      this.#onReadable = receive
      const message = Buffer.from('hello')
      const sent = send(this.#fd, message, message.length, 0)
      const errno = lastErrno()
      if (sent >= 0) return
      // What a local process sends into a refusal fails itself (EPERM), and the refusal waits on the socket.
      if (errno === errnoOf.EPERM) receive()
      else finish(errno === errnoOf.ECONNREFUSED ? 'refused' : `errno ${errno}`)
    })
  }

  close(): void {
    this.#poll.close()
    close(this.#fd)
  }
}
