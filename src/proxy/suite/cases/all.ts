import type { PacketCase } from '../packet-case.ts'
import { changeCases } from './changes.ts'
import { clusterIpCases } from './cluster-ip.ts'
import { decisionCases } from './decisions.ts'
import { endpointCases } from './endpoints.ts'
import { externalCases } from './external.ts'
import { featureCases } from './features.ts'
import { nodePortCases } from './node-port.ts'
import { selectionCases } from './selection.ts'
import { trapCases } from './traps.ts'

export const packetCases: readonly PacketCase[] = [
  ...decisionCases,
  ...featureCases,
  ...clusterIpCases,
  ...endpointCases,
  ...selectionCases,
  ...nodePortCases,
  ...externalCases,
  ...changeCases,
  ...trapCases,
]
