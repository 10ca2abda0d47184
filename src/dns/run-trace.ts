/** Asks the server that a pod would ask, from the pod's own network and address. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { NamespaceBroker } from '#kernel/namespace-broker.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import { classes } from './message.ts'
import { emptyQuery, maxUdpBytes } from './render-reply.ts'
import { type Asked, type Trace, traceSearch, type TraceOptions } from './trace-search.ts'

export interface TraceRequest extends TraceOptions {
  /** The pod's network namespace and address. */
  readonly netns: string
  readonly address: string
  readonly server: string
  readonly name: string
}

const patienceMs = 5000
const dnsPort = 53

export async function runTrace(broker: Pick<NamespaceBroker, 'openUdpSocket'>, request: TraceRequest): Promise<Trace> {
  const isV6 = request.server.includes(':')
  const socket = createSocket(isV6 ? 'udp6' : 'udp4')
  try {
    // listening as soon as it is bound, since the descriptor is
    socket.bind({ fd: await broker.openUdpSocket(request.netns, request.address, 0) })
    let id = Math.floor(Math.random() * 0x10000)
    const ask = async (name: string, type: number): Promise<Asked> => {
      id = (id + 1) & 0xffff
      const query = { ...emptyQuery, id, questions: [{ name, type, class: classes.IN }] }
      const edns = { udpPayloadSize: maxUdpBytes, version: 0, dnssecOk: false }
      const packet = encodeMessage({ ...query, edns })
      const answer = untilAnswered(socket, id)
      const startMs = performance.now()
      socket.send(packet, dnsPort, request.server)
      const response = await answer
      return { response, micros: Math.round((performance.now() - startMs) * 1000) }
    }
    return await traceSearch(request.name, request, ask)
  } finally {
    socket.close()
  }
}

async function untilAnswered(socket: ReturnType<typeof createSocket>, id: number) {
  const signal = AbortSignal.timeout(patienceMs)
  for (;;) {
    try {
      const [packet] = (await once(socket, 'message', { signal })) as [Uint8Array]
      const response = decodeMessage(packet)
      if (response?.id === id) return response
    } catch (error) {
      if (signal.aborted) return undefined
      throw error
    }
  }
}
