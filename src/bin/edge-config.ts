/** What the control plane writes down for the edge process (`edge.json` in the cluster's directory). */
import { readFile } from 'node:fs/promises'
import type { DnsSettings } from '#cli/cluster-record.ts'
import type { IpFamily } from '#lib/ip.ts'

export interface EdgeConfig {
  /** File with the credentials and the address of the API server, as the host reaches it. */
  readonly kubeconfig: string
  /** The cluster's tmpfs with the namespace files; see `#kernel/cluster-paths.ts`. */
  readonly runDir: string
  /** Chooses the addresses: see `#lib/address-plan.ts`. */
  readonly clusterIndex: number
  /** Absent: IPv4 alone. */
  readonly ipFamilies?: readonly IpFamily[]
  /** The host's resolvers; /etc/resolv.conf when absent. */
  readonly resolvConf?: string
  /** Whether ports below 1024 may be listened on; found out when absent. */
  readonly privileged?: boolean
  readonly dns?: DnsSettings
  /** How many UDP sockets of cluster DNS it was given, besides one of TCP; see dns-sockets.ts. */
  readonly udpSockets: number
  readonly logLevel?: string
}

export async function readEdgeConfig(file: string): Promise<EdgeConfig> {
  const config = JSON.parse(await readFile(file, 'utf8')) as Partial<EdgeConfig>
  const { kubeconfig, runDir, clusterIndex, udpSockets } = config
  if (
    typeof kubeconfig !== 'string' ||
    typeof runDir !== 'string' ||
    typeof clusterIndex !== 'number' ||
    typeof udpSockets !== 'number'
  ) {
    throw new Error(`Cannot use ${file}: kubeconfig, runDir, clusterIndex and udpSockets are needed`)
  }
  return { ...config, kubeconfig, runDir, clusterIndex, udpSockets }
}
