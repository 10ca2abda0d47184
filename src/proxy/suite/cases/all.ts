import type { PacketCase } from '../packet-case.ts'
import { changeCases } from './changes.ts'
import { clusterIpCases } from './cluster-ip.ts'
import { endpointCases } from './endpoints.ts'
import { externalCases } from './external.ts'
import { nodePortCases } from './node-port.ts'

export const packetCases: readonly PacketCase[] = [
  ...clusterIpCases,
  ...endpointCases,
  ...nodePortCases,
  ...externalCases,
  ...changeCases,
]
