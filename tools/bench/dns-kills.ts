/**
 * What questions meet while the edge process is killed: asks a running cluster's DNS from a node's network, each question
 * once, and kills the edge now and then. `node tools/bench/dns-kills.ts CLUSTER_DIRECTORY [KILLS] [QUESTIONS_PER_SECOND]`
 * as root, in the mount namespace of the cluster's holder (`nsenter -m -t PID`).
 */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { startNamespaceBroker } from '#kernel/start-namespace-broker.ts'
import { type ProcessIdentity, signalProcess } from '#kernel/process-identity.ts'
import { planAddresses, planNode } from '#lib/address-plan.ts'
import { encodeMessage } from '#dns/encode-message.ts'
import { emptyQuery } from '#dns/render-reply.ts'

const [directory = '', kills = '5', perSecond = '1000', signal = 'SIGKILL'] = process.argv.slice(2)
const betweenKillsMs = 3_000
const patienceMs = 5_000
/** All answers come at once when the next edge reads: each socket has room for some 250 of them. */
const socketCount = 200
const name = 'kubernetes.default.svc.cluster.local'

const read = <T>(file: string): T => JSON.parse(readFileSync(`${directory}/${file}`, 'utf8')) as T
const plan = planAddresses(read<{ index: number }>('cluster.json').index)
await using broker = await startNamespaceBroker({ runDir: `${directory}/run` })
const netns = clusterPaths(`${directory}/run`).node(1)

const asked = new Map<string, number>()
const latencies: number[] = []
const rcodes = new Map<number, number>()
const sockets = await Promise.all(
  Array.from({ length: socketCount }, async (_, number) => {
    const socket = createSocket('udp4')
    socket.bind({ fd: await broker.openUdpSocket(netns, planNode(plan, 1).internalIp, 0) })
    socket.on('message', (packet) => {
      const key = `${number} ${packet.readUInt16BE(0)}`
      const begun = asked.get(key)
      if (begun === undefined || !asked.delete(key)) return
      latencies.push(performance.now() - begun)
      const rcode = packet.readUInt8(3) & 15
      rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + 1)
    })
    return socket
  }),
)
const edge = (): ProcessIdentity =>
  read<({ role: string } & ProcessIdentity)[]>('processes.json').find(({ role }) => role === 'edge')!
const endMs = performance.now() + (Number(kills) + 1) * betweenKillsMs
let nextKillMs = performance.now() + betweenKillsMs
let sent = 0
for (const beginMs = performance.now(); performance.now() < endMs; await sleep(1)) {
  if (performance.now() > nextKillMs && nextKillMs + 100 < endMs - betweenKillsMs / 2) {
    signalProcess(edge(), signal as NodeJS.Signals)
    nextKillMs += betweenKillsMs
  }
  for (const due = ((performance.now() - beginMs) / 1000) * Number(perSecond); sent < due; sent++) {
    const number = sent % socketCount
    const id = Math.floor(sent / socketCount) & 0xffff
    asked.set(`${number} ${id}`, performance.now())
    const query = encodeMessage({ ...emptyQuery, id, questions: [{ name, type: 1, class: 1 }] })
    sockets[number]!.send(query, 53, plan.controlPlaneIp)
  }
}
await sleep(patienceMs)
latencies.sort((a, b) => a - b)
const at = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))]?.toFixed(1)
console.log({
  kills: Number(kills),
  questions: sent,
  unanswered: asked.size,
  rcodes: Object.fromEntries(rcodes),
  latencyMs: { median: at(0.5), p99: at(0.99), max: at(1) },
})
process.exit()
