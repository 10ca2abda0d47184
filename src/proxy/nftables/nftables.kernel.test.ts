import { silentLog } from '#observe/log.ts'
import { packetCases } from '../suite/cases/all.ts'
import { runPacketSuite } from '../suite/run-packet-suite.ts'
import { openNftablesBackend } from './apply-nftables.ts'

runPacketSuite(
  { name: 'nftables', open: (options) => openNftablesBackend({ ...options, log: silentLog }) },
  packetCases,
)
