/** The DNS server alone, with made-up Services, for dns.ts to measure. Arguments: address, port, number of Services. */
import { systemClock } from '#lib/clock.ts'
import { createEngine } from '#dns/engine.ts'
import { serveUdp } from '#dns/serve-udp.ts'
import { boundUdpSocket } from '#kernel/bound-socket.ts'
import { silentLog } from '#observe/log.ts'
import { makeService } from './make-service.ts'

const [address = '127.0.0.1', port = '0', services = '0'] = process.argv.slice(2)
const engine = createEngine({
  clusterDomain: 'cluster.local',
  ownRanges: ['10.96.0.0/12', '10.244.0.0/16'],
  endsSearches: true,
  hostSearches: () => [],
  upstreams: () => [],
  ownAddresses: [],
  exchange: () => Promise.reject(new Error('there is nothing outside')),
  randomId: () => 0,
  clock: systemClock,
  log: silentLog,
})
for (let index = 0; index < Number(services); index++) {
  const { service, slice } = makeService(index, 2)
  if (index < 50) {
    const metadata = { name: service.metadata.namespace! }
    engine.apply({
      kind: 'Namespace',
      change: { before: undefined, after: { apiVersion: 'v1', kind: 'Namespace', metadata, spec: {} } },
    })
  }
  engine.apply({ kind: 'Service', change: { before: undefined, after: service } })
  engine.apply({ kind: 'EndpointSlice', change: { before: undefined, after: slice } })
}
engine.apply({ kind: 'synced' })
const server = serveUdp(boundUdpSocket({ address, port: Number(port) }), { ...engine, log: silentLog })
process.once('SIGTERM', () => {
  server[Symbol.dispose]()
  engine.stop()
  // the profiler writes its file on a regular exit
  process.exit()
})
console.log('ready')
