/**
 * Nonsense at the DNS server for some seconds, through a real socket: `node --expose-gc tools/bench/dns-fuzz.ts
 * [SECONDS]`. Between, right questions must be answered rightly; memory must not grow. Ends with an error otherwise.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { decodeMessage } from '#dns/decode-message.ts'
import { encodeMessage } from '#dns/encode-message.ts'
import { createEngine } from '#dns/engine.ts'
import { recordTypes } from '#dns/message.ts'
import { emptyQuery } from '#dns/render-reply.ts'
import type { ExchangeRequest } from '#dns/run-exchange.ts'
import { serveUdp } from '#dns/serve-udp.ts'
import { boundUdpSocket } from '#kernel/bound-socket.ts'
import { systemClock } from '#lib/clock.ts'
import { silentLog } from '#observe/log.ts'
import { makeService } from './make-service.ts'

export interface FuzzResult {
  readonly packets: number
  readonly checks: number
  readonly replies: number
  /** Heap and memory of buffers, after half of the time and at the end, garbage collected if that is allowed. */
  readonly beforeMiB: number
  readonly afterMiB: number
}

const burst = 50

export async function fuzzDns(seconds: number, seed = Date.now() >>> 0): Promise<FuzzResult> {
  const random = randomFrom(seed)
  const probe = createSocket('udp4')
  probe.bind(0, '127.0.0.1')
  await once(probe, 'listening')
  // a port that was free a moment ago
  const { port } = probe.address()
  probe.close()
  const engine = makeEngine()
  using server = serveUdp(boundUdpSocket({ address: '127.0.0.1', port }), { ...engine, log: silentLog })
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let replies = 0
  socket.on('message', () => replies++)
  const valid = [0, 1, 2, 3].map(queryOf)
  let packets = 0
  let checks = 0
  let beforeMiB = 0
  const startMs = performance.now()
  for (let spentMs = 0; spentMs < seconds * 1000; spentMs = performance.now() - startMs) {
    for (let count = 0; count < burst; count++) {
      const packet = nonsense(random, valid)
      // larger than a datagram may be: nothing to send
      if (packet.length <= 60_000) socket.send(packet)
      packets++
    }
    await check(port)
    checks++
    if (beforeMiB === 0 && spentMs > seconds * 500) beforeMiB = usedMiB()
  }
  const afterMiB = usedMiB()
  socket.close()
  engine.stop()
  void server
  return { packets, checks, replies, beforeMiB, afterMiB }
}

function makeEngine() {
  const engine = createEngine({
    clusterDomain: 'cluster.local',
    ownRanges: ['10.96.0.0/12', '10.244.0.0/16'],
    endsSearches: true,
    hostSearches: () => [],
    upstreams: () => [{ address: '192.0.2.1', port: 53 }],
    ownAddresses: [],
    exchange: unreachable,
    randomId: () => 0,
    clock: systemClock,
    log: silentLog,
  })
  for (let index = 0; index < 100; index++) {
    const { service, slice } = makeService(index, 2)
    engine.apply({ kind: 'Service', change: { before: undefined, after: service } })
    engine.apply({ kind: 'EndpointSlice', change: { before: undefined, after: slice } })
  }
  engine.apply({ kind: 'synced' })
  return engine
}

/** Every answer from outside is that there is none: what is kept of each is kept for ever. */
function unreachable<T>({ signal }: ExchangeRequest<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>()
  const stop = (): void => reject(signal.reason)
  signal.addEventListener('abort', stop)
  setImmediate(() => {
    signal.removeEventListener('abort', stop)
    reject(new Error('there is nothing outside'))
  })
  return promise
}

function queryOf(index: number): Uint8Array {
  const name = `service-${index}.ns-${index}.svc.cluster.local`
  const edns = { udpPayloadSize: 1232, version: 0, dnssecOk: false }
  return encodeMessage({
    ...emptyQuery,
    id: 0xfeed,
    questions: [{ name, type: recordTypes.A, class: 1 }],
    ...(index % 2 && { edns }),
  })
}

type Random = (below: number) => number

/** xorshift: the same for the same seed. */
function randomFrom(seed: number): Random {
  let state = seed || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Random bytes; right queries with bytes changed, cut off, put behind; ever new names; names that point around. */
function nonsense(random: Random, valid: readonly Uint8Array[]): Uint8Array {
  const base = Uint8Array.from(valid[random(valid.length)]!)
  switch (random(6)) {
    case 0:
      return Uint8Array.from({ length: random(random(10) === 0 ? 4000 : 100) }, () => random(256))
    case 1:
      for (let count = random(5) + 1; count > 0; count--) base[random(base.length)] = random(256)
      return base
    case 2:
      return base.subarray(0, random(base.length))
    case 3:
      return Buffer.concat([base, Uint8Array.from({ length: random(600) }, () => random(256))])
    case 4:
      for (let at = 13; at < 20; at++) base[at] = 97 + random(26)
      return base
    default: {
      const at = 12 + random(base.length - 13)
      base[at] = 0xc0 | random(64)
      base[at + 1] = random(256)
      return base
    }
  }
}

const checkPatienceMs = 5000

/** A question with a number of its own, on a socket of its own. */
async function check(port: number): Promise<void> {
  const socket = createSocket('udp4')
  try {
    const query = queryOf(7)
    socket.send(query, port, '127.0.0.1')
    const [packet] = (await once(socket, 'message', { signal: AbortSignal.timeout(checkPatienceMs) })) as [Uint8Array]
    const [answer] = decodeMessage(packet)?.answers ?? []
    if (answer?.type !== 'A' || answer.address !== '10.96.0.7')
      throw new Error(`Wrong answer: ${JSON.stringify(answer)}`)
  } finally {
    socket.close()
  }
}

function usedMiB(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

if (import.meta.main) {
  const result = await fuzzDns(Number(process.argv[2] ?? 60))
  console.table(result)
  // the answers that are kept are bounded; a minute fills the bound
  if (result.afterMiB > result.beforeMiB + 8) throw new Error('Memory grows under nonsense')
}
