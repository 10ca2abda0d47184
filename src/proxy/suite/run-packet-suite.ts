/** Runs the table of packet cases over one back end, in real namespaces. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as idle } from 'node:timers/promises'
import type { IpFamily } from '#lib/ip.ts'
import { deleteFlows } from '#kernel/netlink/conntrack.ts'
import { netlinkFrom, type Netlink } from '#kernel/netlink/socket.ts'
import type { NodeTraffic, ProxyBackend } from '../backend.ts'
import { protocolNumber } from '../backend.ts'
import { RouteTracker } from '../desired-routes.ts'
import { ConntrackReconciler } from '../reconcile-conntrack.ts'
import { coverageOf, fullCoverage } from './coverage.ts'
import { TcpClient, UdpClient, answerMs, exchangeTcp, parseTarget, refusalMs, silenceMs } from './open-exchange.ts'
import { exchangeSctp, probeSctp } from './open-sctp.ts'
import { openTestNetwork, type TestNetwork } from './open-test-network.ts'
import {
  nodeNames,
  nodes,
  plan,
  pods,
  type ClusterState,
  type Dial,
  type NodeName,
  type Outcome,
  type PacketCase,
  type Step,
  type TrafficOptions,
} from './packet-case.ts'
import { caseOf, textOf } from './translate-to-ipv6.ts'

export interface SuiteBackend {
  readonly name: string
  open(options: { readonly netlinkFd: number; readonly node: NodeTraffic }): ProxyBackend & Disposable
}

/** So many connections meet every one of so many endpoints, but for one in a million times. */
const defaultTimes = (endpoints: number) => [1, 4, 22, 40][endpoints] ?? 60
/** Clusters side by side: most of the time is spent waiting for silence. */
export const laneCount = 4

export interface SuiteOptions {
  readonly family?: IpFamily
}

export function runPacketSuite(backend: SuiteBackend, cases: readonly PacketCase[], options: SuiteOptions = {}): void {
  const { family = 'IPv4' } = options
  describe(`${backend.name}, ${family}`, { concurrency: laneCount }, () => {
    const lanes = new Lanes(backend, family)
    after(() => lanes[Symbol.asyncDispose]())
    for (const packetCase of cases.map((one) => caseOf(family, one)).filter((one) => one !== undefined)) {
      test(packetCase.name, { skip: whyNot(packetCase) ?? false }, () => lanes.run(packetCase))
    }
  })
  test(`${backend.name}, ${family}: the cases cover every row and every field of a Service`, () => {
    assert.deepEqual(coverageOf(cases), fullCoverage)
  })
}

/** Why a case cannot run on this kernel; undefined: it can. */
export const whyNot = ({ steps }: PacketCase): string | undefined =>
  steps.some(({ dials }) => dials.some(({ protocol }) => protocol === 'SCTP')) ? probeSctp() : undefined

/** Several clusters, each of which runs one case at a time. Made when first needed. */
export class Lanes implements AsyncDisposable {
  readonly #backend: SuiteBackend
  readonly #family: IpFamily
  readonly #all: Promise<SuiteCluster>[] = []
  readonly #free: SuiteCluster[] = []
  readonly #waiting: ((cluster: SuiteCluster | Promise<SuiteCluster>) => void)[] = []

  constructor(backend: SuiteBackend, family: IpFamily) {
    this.#backend = backend
    this.#family = family
  }

  async run(packetCase: PacketCase): Promise<void> {
    const cluster = await this.#take()
    try {
      await cluster.run(packetCase)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(cluster)
      else this.#free.push(cluster)
    }
  }

  #take(): Promise<SuiteCluster> {
    const free = this.#free.pop()
    if (free) return Promise.resolve(free)
    if (this.#all.length >= laneCount) return new Promise((resolve) => this.#waiting.push(resolve))
    const made = openSuiteCluster(this.#backend, this.#family)
    this.#all.push(made)
    // Whoever waited for it tries again, and fails as well when nothing can be made.
    made.catch(() => {
      this.#all.splice(this.#all.indexOf(made), 1)
      this.#waiting.shift()?.(this.#take())
    })
    return made
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cluster of await Promise.all(this.#all)) await cluster[Symbol.asyncDispose]()
  }
}

interface SuiteNode {
  readonly name: NodeName
  readonly backend: ProxyBackend & Disposable
  readonly conntrackSocket: Netlink
}

interface OpenNode {
  (name: NodeName, traffic?: TrafficOptions): ProxyBackend & Disposable
}

async function openSuiteCluster(backend: SuiteBackend, family: IpFamily): Promise<SuiteCluster> {
  const network = await openTestNetwork(family)
  const openNode: OpenNode = (name, traffic) => {
    const node: NodeTraffic = {
      family,
      serviceCidrs: [textOf(family, plan.serviceCidr)],
      masqueradeAll: false,
      ...(traffic && 'podCidr' in traffic ? {} : { podCidr: textOf(family, nodes[name].podCidr) }),
      ...(traffic?.masqueradeAll !== undefined && { masqueradeAll: traffic.masqueradeAll }),
      ...(traffic?.nodePortAddresses && { nodePortAddresses: traffic.nodePortAddresses }),
      ...(traffic?.boundVip !== undefined && { nodeIps: [textOf(family, nodes[name].internalIp)] }),
    }
    return backend.open({ netlinkFd: network.openNetfilter(name), node })
  }
  const suiteNodes = nodeNames.map((name) => ({
    name,
    backend: openNode(name),
    conntrackSocket: netlinkFrom(network.openNetfilter(name)),
  }))
  await reachEveryNode(family, network)
  return new SuiteCluster(family, network, suiteNodes, openNode)
}

/** A new bridge hears of its members' addresses only after a while (IPv6: of the groups that they listen to). */
async function reachEveryNode(family: IpFamily, network: TestNetwork): Promise<void> {
  const parties = ['host', ...nodeNames] as const
  const pairs = parties.flatMap((from) => Object.values(pods).map(({ ip }) => ({ from, ip })))
  await Promise.all(
    pairs.map(async ({ from, ip }) => {
      for (let attempt = 1; attempt <= 10; attempt++) {
        const answer = await exchangeTcp(network.openSocket(from, 'TCP'), textOf(family, `${ip}:8080`))
        if (answer.includes(' ')) return
      }
      throw new Error(`Cannot reach ${ip} from ${from}`)
    }),
  )
}

/** One node's proxy as it lives through the steps of a case. */
interface LiveProxy {
  readonly node: SuiteNode
  readonly tracker: RouteTracker
  readonly conntrack: ConntrackReconciler
}

class SuiteCluster implements AsyncDisposable {
  readonly #family: IpFamily
  readonly #network: TestNetwork
  readonly #nodes: readonly SuiteNode[]
  readonly #openNode: OpenNode
  readonly #sockets = new Map<string, UdpClient | TcpClient>()

  constructor(family: IpFamily, network: TestNetwork, suiteNodes: readonly SuiteNode[], openNode: OpenNode) {
    this.#family = family
    this.#network = network
    this.#nodes = suiteNodes
    this.#openNode = openNode
  }

  async run({ steps, traffic }: PacketCase): Promise<void> {
    if (!traffic) return this.#runSteps(this.#nodes, steps)
    using _address = traffic.boundVip === undefined ? undefined : this.#network.lendAddress('node-3', traffic.boundVip)
    const own = this.#nodes.map((node) => ({ ...node, backend: this.#openNode(node.name, traffic) }))
    try {
      await this.#runSteps(own, steps)
    } finally {
      for (const { backend } of own) {
        await backend.cleanup()
        backend[Symbol.dispose]()
      }
    }
  }

  async #runSteps(suiteNodes: readonly SuiteNode[], steps: readonly Step[]): Promise<void> {
    let proxies = suiteNodes.map((node) => this.#startProxy(node))
    for (const { conntrackSocket } of suiteNodes) {
      for (const protocol of Object.values(protocolNumber)) {
        deleteFlows(conntrackSocket, { family: this.#family, protocol })
      }
    }
    let state: ClusterState = { services: [], slices: [] }
    try {
      for (const [index, step] of steps.entries()) {
        if (step.proxiesRestart) {
          proxies = suiteNodes.map((node) => this.#startProxy(node))
          state = { services: [], slices: [] }
        }
        for (const proxy of proxies) await changeState(proxy, state, step, index === 0 || step.proxiesRestart === true)
        state = step
        if (step.idleMs !== undefined) await idle(step.idleMs)
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

  #startProxy(node: SuiteNode): LiveProxy {
    return {
      node,
      tracker: new RouteTracker(this.#family, { name: node.name }),
      conntrack: new ConntrackReconciler(node.conntrackSocket, [textOf(this.#family, plan.serviceCidr)]),
    }
  }

  async #dial(dial: Dial): Promise<Outcome> {
    const times = typeof dial.expect === 'string' ? 1 : (dial.times ?? defaultTimes(dial.expect.by.length))
    const targets = typeof dial.to === 'string' ? [dial.to] : dial.to
    const answers: string[] = []
    // A few at a time: the answering side runs in this process, too. One socket can wait for one answer only.
    const atOnce = dial.socket === undefined ? 10 : 1
    for (let done = 0; done < times; done += atOnce) {
      const batch = Array.from({ length: Math.min(atOnce, times - done) }, (_, place) =>
        this.#exchange(dial, targets[(done + place) % targets.length]!),
      )
      answers.push(...(await Promise.all(batch)))
    }
    const failure = answers.find((answer) => !answer.includes(':'))
    if (failure !== undefined) return failure as Outcome
    return summarize(answers, dial.expect)
  }

  #exchange(dial: Dial, to: string): Promise<string> {
    const waitMs = patience(dial.expect)
    if (dial.protocol === 'SCTP') {
      const target = { family: this.#family, ...parseTarget(to) }
      return exchangeSctp(this.#network.openSocket(dial.from, 'SCTP'), target, waitMs)
    }
    const openSocket = () => this.#network.openSocket(dial.from, dial.protocol === 'UDP' ? 'UDP' : 'TCP')
    if (dial.socket === undefined) {
      if (dial.protocol !== 'UDP') return exchangeTcp(openSocket(), to, waitMs)
      const client = new UdpClient(openSocket(), to)
      return client.exchange(waitMs).finally(() => client.close())
    }
    const Client = dial.protocol === 'UDP' ? UdpClient : TcpClient
    const client = this.#sockets.get(dial.socket) ?? new Client(openSocket(), to)
    this.#sockets.set(dial.socket, client)
    return client.exchange(waitMs)
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
  after: Step,
  isFirst: boolean,
): Promise<void> {
  if (after.serviceCidrs) {
    node.backend.setServiceCidrs(after.serviceCidrs)
    conntrack.setServiceCidrs(after.serviceCidrs)
  }
  const zone = after.zones?.[node.name]
  tracker.nodeChanged({ name: node.name, ...(zone !== undefined && { zone }) })
  forEachChange(before.services, after.services, (old, now) => tracker.serviceChanged(old, now))
  forEachChange(before.slices, after.slices, (old, now) => tracker.sliceChanged(old, now))
  const { desired, changes } = tracker.collect()
  await node.backend.sync(desired, isFirst ? undefined : changes)
  conntrack.reconcile(desired, isFirst ? undefined : changes)
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

const patience = (expected: Outcome): number =>
  expected === 'timeout' ? silenceMs : expected === 'refused' ? refusalMs : answerMs

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
