import { cidrProblems } from './check-ip.ts'
import { forbiddenValue, invalidFor, sameValue } from './findings.ts'
import { validateTaints } from './validate-scheduling.ts'
import { nodeColumns } from './node-columns.ts'
import { defineKind, type Finding, type ValidationContext } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import {
  array,
  boolean,
  field,
  int32,
  int64,
  map,
  object,
  oneOf,
  pointer,
  quantity,
  string,
  time,
  type Static,
} from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const Taint = object('io.k8s.api.core.v1.Taint', {
  key: field(1, string(), { required: true }),
  value: field(2, string()),
  effect: field(3, oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'), { required: true }),
  timeAdded: pointer(4, time()),
})
export type Taint = Static<typeof Taint>

export const NodeSpec = object('io.k8s.api.core.v1.NodeSpec', {
  podCIDR: field(1, string()),
  podCIDRs: field(7, array(string(), { listType: 'set', patchStrategy: 'merge' })),
  providerID: field(3, string()),
  unschedulable: field(4, boolean()),
  taints: field(5, array(Taint)),
})
export type NodeSpec = Static<typeof NodeSpec>

export const NodeAddress = object('io.k8s.api.core.v1.NodeAddress', {
  type: field(1, oneOf('ExternalDNS', 'ExternalIP', 'Hostname', 'InternalDNS', 'InternalIP'), { required: true }),
  address: field(2, string(), { required: true }),
})
export type NodeAddress = Static<typeof NodeAddress>

export const NodeCondition = object('io.k8s.api.core.v1.NodeCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  lastHeartbeatTime: field(3, time()),
  lastTransitionTime: field(4, time()),
  reason: field(5, string()),
  message: field(6, string()),
})
export type NodeCondition = Static<typeof NodeCondition>

export const DaemonEndpoint = object('io.k8s.api.core.v1.DaemonEndpoint', {
  Port: field(1, int32(), { required: true }),
})
export type DaemonEndpoint = Static<typeof DaemonEndpoint>

export const NodeDaemonEndpoints = object('io.k8s.api.core.v1.NodeDaemonEndpoints', {
  kubeletEndpoint: field(1, DaemonEndpoint),
})
export type NodeDaemonEndpoints = Static<typeof NodeDaemonEndpoints>

export const NodeSwapStatus = object('io.k8s.api.core.v1.NodeSwapStatus', {
  capacity: pointer(1, int64()),
})
export type NodeSwapStatus = Static<typeof NodeSwapStatus>

export const NodeSystemInfo = object('io.k8s.api.core.v1.NodeSystemInfo', {
  machineID: field(1, string(), { required: true }),
  systemUUID: field(2, string(), { required: true }),
  bootID: field(3, string(), { required: true }),
  kernelVersion: field(4, string(), { required: true }),
  osImage: field(5, string(), { required: true }),
  containerRuntimeVersion: field(6, string(), { required: true }),
  kubeletVersion: field(7, string(), { required: true }),
  kubeProxyVersion: field(8, string(), { required: true }),
  operatingSystem: field(9, string(), { required: true }),
  architecture: field(10, string(), { required: true }),
  swap: pointer(11, NodeSwapStatus),
})
export type NodeSystemInfo = Static<typeof NodeSystemInfo>

export const ContainerImage = object('io.k8s.api.core.v1.ContainerImage', {
  names: field(1, array(string())),
  sizeBytes: field(2, int64()),
})
export type ContainerImage = Static<typeof ContainerImage>

export const AttachedVolume = object('io.k8s.api.core.v1.AttachedVolume', {
  name: field(1, string(), { required: true }),
  devicePath: field(2, string(), { required: true }),
})
export type AttachedVolume = Static<typeof AttachedVolume>

export const NodeRuntimeHandlerFeatures = object('io.k8s.api.core.v1.NodeRuntimeHandlerFeatures', {
  recursiveReadOnlyMounts: pointer(1, boolean()),
  userNamespaces: pointer(2, boolean()),
})
export type NodeRuntimeHandlerFeatures = Static<typeof NodeRuntimeHandlerFeatures>

export const NodeRuntimeHandler = object('io.k8s.api.core.v1.NodeRuntimeHandler', {
  name: field(1, string(), { zero: 'keep' }),
  features: pointer(2, NodeRuntimeHandlerFeatures),
})
export type NodeRuntimeHandler = Static<typeof NodeRuntimeHandler>

export const NodeFeatures = object('io.k8s.api.core.v1.NodeFeatures', {
  supplementalGroupsPolicy: pointer(1, boolean()),
})
export type NodeFeatures = Static<typeof NodeFeatures>

export const NodeStatus = object('io.k8s.api.core.v1.NodeStatus', {
  capacity: field(1, map(quantity())),
  allocatable: field(2, map(quantity())),
  phase: field(3, string()),
  conditions: field(
    4,
    array(NodeCondition, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  addresses: field(
    5,
    array(NodeAddress, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  daemonEndpoints: field(6, NodeDaemonEndpoints),
  nodeInfo: field(7, NodeSystemInfo),
  images: field(8, array(ContainerImage)),
  volumesInUse: field(9, array(string())),
  volumesAttached: field(10, array(AttachedVolume)),
  runtimeHandlers: field(12, array(NodeRuntimeHandler)),
  features: pointer(13, NodeFeatures),
  declaredFeatures: field(14, array(string())),
})
export type NodeStatus = Static<typeof NodeStatus>

const nodeSchema = kindSchema(
  'io.k8s.api.core.v1.Node',
  {
    spec: field(2, NodeSpec, { required: true, default: {} }),
    status: field(3, NodeStatus),
  },
  'A machine that runs pods.',
)
export type Node = Static<typeof nodeSchema>

export const Node = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  schema: nodeSchema,
  namespaced: false,
  hasStatus: true,
  columns: nodeColumns,
  selectableFields: { 'spec.unschedulable': (node) => String(node.spec.unschedulable ?? false) },
  applyDefaults: ({ status }) => {
    if (status?.capacity) status.allocatable ??= { ...status.capacity }
  },
  validate: validateNode,
})

function validateNode(node: Node, { before, subresource }: ValidationContext<Node>): Finding[] {
  const metadata = validateObjectMeta(node.metadata, { namespaced: false, before: before?.metadata })
  if (subresource === 'status') return metadata
  const { taints = [], podCIDRs = [] } = node.spec
  return [
    ...metadata,
    ...validateTaints('spec.taints', taints),
    ...podCIDRs.flatMap((cidr, index) => invalidFor(`spec.podCIDRs[${index}]`, cidr, cidrProblems(cidr))),
    ...(before === undefined ? [] : validateNodeUpdate(node, before)),
  ]
}

/** A pod range and a provider, once given, stay. */
function validateNodeUpdate({ spec }: Node, before: Node): Finding[] {
  const detail = (what: string) => `node updates may not change ${what} except from "" to valid`
  const findings: Finding[] = []
  const oldCidrs = before.spec.podCIDRs ?? []
  if (oldCidrs.length > 0 && !sameValue(spec.podCIDRs, oldCidrs)) {
    findings.push(forbiddenValue('spec.podCIDRs', detail('podCIDR')))
  }
  if (before.spec.providerID && spec.providerID !== before.spec.providerID) {
    findings.push(forbiddenValue('spec.providerID', detail('providerID')))
  }
  return findings
}
