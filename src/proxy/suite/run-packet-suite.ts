/** Runs the table of packet cases over one back end, in real namespaces. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as idle } from 'node:timers/promises'
import { deleteFlows } from '#kernel/netlink/conntrack.ts'
import { netlinkFrom, type Netlink } from '#kernel/netlink/socket.ts'
import type { NodeTraffic, ProxyBackend } from '../backend.ts'
import { protocolNumber } from '../backend.ts'
import { RouteTracker } from '../desired-routes.ts'
import { ConntrackReconciler } from '../reconcile-conntrack.ts'
import { coverageOf } from './coverage.ts'
import { UdpClient, exchangeTcp } from './open-exchange.ts'
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

const defaultTimes = 40

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

  async #dial(dial: Dial): Promise<Outcome> {
    const times = typeof dial.expect === 'string' ? 1 : (dial.times ?? defaultTimes)
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
    const failure = answers.find((answer) => answer === 'refused' || answer === 'timeout')
    if (failure) return failure as Outcome
    return summarize(answers, dial.expect)
  }

  #exchange(dial: Dial, to: string): Promise<string> {
    if (dial.protocol !== 'UDP') return exchangeTcp(this.#network.openSocket(dial.from, 'TCP'), to)
    const open = () => new UdpClient(this.#network.openSocket(dial.from, 'UDP'), to)
    if (dial.socket === undefined) {
      const client = open()
      return client.exchange().finally(() => client.close())
    }
    const client = this.#sockets.get(dial.socket) ?? open()
    this.#sockets.set(dial.socket, client)
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
