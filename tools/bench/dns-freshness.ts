/**
 * From a write to the API until cluster DNS answers it, on a running cluster: `node tools/bench/dns-freshness.ts
 * KUBECONFIG SERVER [COUNT]`, where SERVER is an address at which this host reaches cluster DNS.
 */
import { createSocket } from 'node:dgram'
import { decodeMessage } from '#dns/decode-message.ts'
import { encodeMessage } from '#dns/encode-message.ts'
import { rcodes, recordTypes } from '#dns/message.ts'
import { emptyQuery } from '#dns/render-reply.ts'
import { Service } from '#api/service.ts'
import { createClient } from '#client/create-client.ts'
import { httpsTransport } from '#client/https-transport.ts'
import { readKubeconfig } from '#client/read-kubeconfig.ts'

export interface FreshnessOptions {
  readonly kubeconfig: string
  /** Address of cluster DNS. */
  readonly server: string
  readonly count: number
}

export interface Freshness {
  /** Milliseconds from the call of the API until the answer. */
  readonly sinceCallMs: readonly number[]
  /** The same from the API's reply on; negative when DNS was faster. */
  readonly sinceReplyMs: readonly number[]
}

const patienceMs = 5000

/** Creates Services one by one and asks for each without pause until it is there; removes them. */
export async function benchDnsFreshness({ kubeconfig, server, count }: FreshnessOptions): Promise<Freshness> {
  await using transport = httpsTransport(await readKubeconfig({ paths: [kubeconfig] }))
  const services = createClient({ transport, userAgent: 'dns-freshness' }).of(Service)
  const sinceCallMs: number[] = []
  const sinceReplyMs: number[] = []
  for (let index = 0; index < count; index++) {
    const metadata = { name: `fresh-${process.pid}-${index}`, namespace: 'default' }
    const startMs = performance.now()
    const answered = untilAnswered(server, `${metadata.name}.default.svc.cluster.local`)
    await services.create({ metadata, spec: { ports: [{ port: 80 }] } })
    const repliedMs = performance.now()
    const answeredMs = await answered
    sinceCallMs.push(answeredMs - startMs)
    sinceReplyMs.push(answeredMs - repliedMs)
    await services.delete(metadata)
  }
  return { sinceCallMs: sinceCallMs.sort((a, b) => a - b), sinceReplyMs: sinceReplyMs.sort((a, b) => a - b) }
}

/** One question is always under way. Resolves with the time of the first answer that has an address. */
async function untilAnswered(server: string, name: string): Promise<number> {
  const socket = createSocket('udp4')
  const query = encodeMessage({ ...emptyQuery, questions: [{ name, type: recordTypes.A, class: 1 }] })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const ask = (): void => socket.send(query, 53, server)
  const timer = setTimeout(() => reject(new Error(`Cannot resolve ${name}`)), patienceMs)
  socket.on('message', (packet) => {
    const response = decodeMessage(packet)
    if (response?.rcode === rcodes.NOERROR && response.answers.length > 0) resolve(performance.now())
    else ask()
  })
  ask()
  return promise.finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

if (import.meta.main) {
  const [kubeconfig, server, count = '100'] = process.argv.slice(2)
  if (!kubeconfig || !server) throw new Error('Cannot measure: give a kubeconfig file and the address of cluster DNS')
  const { sinceCallMs, sinceReplyMs } = await benchDnsFreshness({ kubeconfig, server, count: Number(count) })
  const at = (values: readonly number[], quantile: number) => values[Math.floor(values.length * quantile)]!.toFixed(2)
  console.table({
    'from the call': { 'p50 ms': at(sinceCallMs, 0.5), 'p99 ms': at(sinceCallMs, 0.99) },
    "from the API's reply": { 'p50 ms': at(sinceReplyMs, 0.5), 'p99 ms': at(sinceReplyMs, 0.99) },
  })
}
