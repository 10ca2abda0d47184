import { silentLog } from '#observe/log.ts'
import { packetCases } from '../suite/cases/all.ts'
import { runPacketSuite, type SuiteBackend } from '../suite/run-packet-suite.ts'
import { openNftablesBackend } from './apply-nftables.ts'

const nftables: SuiteBackend = {
  name: 'nftables',
  open: (options) => openNftablesBackend({ ...options, log: silentLog }),
}
for (const family of ['IPv4', 'IPv6'] as const) runPacketSuite(nftables, packetCases, { family })
