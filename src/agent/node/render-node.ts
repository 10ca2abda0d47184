/** The Node object of an agent, from what the machine says of itself. */
import type { Node, NodeCondition, NodeStatus } from '#api/node.ts'
import { internalIps, type NodeAddresses } from '#lib/address-plan.ts'

export interface MachineFacts {
  readonly cpus: number
  readonly memoryBytes: number
  readonly diskBytes: number
  /** As in image platforms: `amd64`, `arm64`. */
  readonly architecture: string
  readonly kernelVersion: string
  readonly osImage: string
  readonly machineId: string
  readonly bootId: string
}

export const kubeletVersion = 'v1.36.0'
const maxPods = 250

export function renderCapacity(facts: MachineFacts): Record<string, string> {
  return {
    cpu: String(facts.cpus),
    'ephemeral-storage': `${Math.floor(facts.diskBytes / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${Math.floor(facts.memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
  }
}

export function renderNodeLabels(name: string, architecture: string): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
  }
}

export function renderNodeStatus(
  name: string,
  addresses: NodeAddresses,
  facts: MachineFacts,
  options: { readonly version: string; readonly before: Node | undefined; readonly now: string },
): NodeStatus {
  const capacity = renderCapacity(facts)
  return {
    addresses: [
      ...internalIps(addresses).map((address) => ({ type: 'InternalIP' as const, address })),
      { type: 'ExternalIP', address: addresses.hostLoopbackIp },
      { type: 'Hostname', address: name },
    ],
    capacity,
    allocatable: capacity,
    conditions: renderConditions(options.before, options.now),
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootId,
      containerRuntimeVersion: `frontdesk://${options.version}`,
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: facts.machineId,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.machineId,
    },
  }
}

const healthy: readonly (readonly [NodeCondition['type'], 'True' | 'False', string, string])[] = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
]

function renderConditions(before: Node | undefined, now: string): NodeCondition[] {
  const known = new Map((before?.status?.conditions ?? []).map((condition) => [condition.type, condition]))
  const own = healthy.map(([type, status, reason, message]): NodeCondition => {
    const previous = known.get(type)
    const since = previous?.status === status ? previous.lastTransitionTime : undefined
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: since ?? now }
  })
  const others = [...known.values()].filter(({ type }) => !healthy.some(([ownType]) => ownType === type))
  return [...own, ...others]
}
