import { ResourceRequirements } from './resources.ts'
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

export const PodIP = object('io.k8s.api.core.v1.PodIP', {
  ip: field(1, string(), { required: true }),
})
export type PodIP = Static<typeof PodIP>

export const HostIP = object('io.k8s.api.core.v1.HostIP', {
  ip: field(1, string(), { required: true }),
})
export type HostIP = Static<typeof HostIP>

export const PodCondition = object('io.k8s.api.core.v1.PodCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  lastProbeTime: field(3, time()),
  lastTransitionTime: field(4, time()),
  reason: field(5, string()),
  message: field(6, string()),
  observedGeneration: field(7, int64()),
})
export type PodCondition = Static<typeof PodCondition>

export const ContainerStateWaiting = object('io.k8s.api.core.v1.ContainerStateWaiting', {
  reason: field(1, string()),
  message: field(2, string()),
})
export type ContainerStateWaiting = Static<typeof ContainerStateWaiting>

export const ContainerStateRunning = object('io.k8s.api.core.v1.ContainerStateRunning', {
  startedAt: field(1, time()),
})
export type ContainerStateRunning = Static<typeof ContainerStateRunning>

export const ContainerStateTerminated = object('io.k8s.api.core.v1.ContainerStateTerminated', {
  exitCode: field(1, int32(), { required: true }),
  signal: field(2, int32()),
  reason: field(3, string()),
  message: field(4, string()),
  startedAt: field(5, time()),
  finishedAt: field(6, time()),
  containerID: field(7, string()),
})
export type ContainerStateTerminated = Static<typeof ContainerStateTerminated>

export const ContainerState = object('io.k8s.api.core.v1.ContainerState', {
  waiting: pointer(1, ContainerStateWaiting),
  running: pointer(2, ContainerStateRunning),
  terminated: pointer(3, ContainerStateTerminated),
})
export type ContainerState = Static<typeof ContainerState>

export const LinuxContainerUser = object('io.k8s.api.core.v1.LinuxContainerUser', {
  uid: field(1, int64(), { required: true }),
  gid: field(2, int64(), { required: true }),
  supplementalGroups: field(3, array(int64())),
})
export type LinuxContainerUser = Static<typeof LinuxContainerUser>

export const ContainerUser = object('io.k8s.api.core.v1.ContainerUser', {
  linux: pointer(1, LinuxContainerUser),
})
export type ContainerUser = Static<typeof ContainerUser>

export const VolumeMountStatus = object('io.k8s.api.core.v1.VolumeMountStatus', {
  name: field(1, string(), { required: true }),
  mountPath: field(2, string(), { required: true }),
  readOnly: field(3, boolean()),
  recursiveReadOnly: pointer(4, string()),
})
export type VolumeMountStatus = Static<typeof VolumeMountStatus>

export const ContainerStatus = object('io.k8s.api.core.v1.ContainerStatus', {
  name: field(1, string(), { required: true }),
  state: field(2, ContainerState),
  lastState: field(3, ContainerState),
  ready: field(4, boolean(), { required: true }),
  restartCount: field(5, int32(), { required: true }),
  image: field(6, string(), { required: true }),
  imageID: field(7, string(), { required: true }),
  containerID: field(8, string()),
  started: pointer(9, boolean()),
  allocatedResources: field(10, map(quantity())),
  resources: pointer(11, ResourceRequirements),
  volumeMounts: field(
    12,
    array(VolumeMountStatus, {
      listType: 'map',
      listMapKeys: ['mountPath'],
      patchStrategy: 'merge',
      patchMergeKey: 'mountPath',
    }),
  ),
  user: pointer(13, ContainerUser),
  stopSignal: pointer(15, string()),
})
export type ContainerStatus = Static<typeof ContainerStatus>

export const PodResourceClaimStatus = object('io.k8s.api.core.v1.PodResourceClaimStatus', {
  name: field(1, string(), { required: true }),
  resourceClaimName: pointer(2, string()),
})
export type PodResourceClaimStatus = Static<typeof PodResourceClaimStatus>

export const PodStatus = object('io.k8s.api.core.v1.PodStatus', {
  phase: field(1, oneOf('Failed', 'Pending', 'Running', 'Succeeded', 'Unknown')),
  conditions: field(
    2,
    array(PodCondition, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  message: field(3, string()),
  reason: field(4, string()),
  nominatedNodeName: field(11, string()),
  hostIP: field(5, string()),
  hostIPs: field(16, array(HostIP, { patchStrategy: 'merge', patchMergeKey: 'ip' })),
  podIP: field(6, string()),
  podIPs: field(
    12,
    array(PodIP, { listType: 'map', listMapKeys: ['ip'], patchStrategy: 'merge', patchMergeKey: 'ip' }),
  ),
  startTime: pointer(7, time()),
  initContainerStatuses: field(10, array(ContainerStatus)),
  containerStatuses: field(8, array(ContainerStatus)),
  qosClass: field(9, oneOf('BestEffort', 'Burstable', 'Guaranteed')),
  ephemeralContainerStatuses: field(13, array(ContainerStatus)),
  resize: field(14, string()),
  resourceClaimStatuses: field(
    15,
    array(PodResourceClaimStatus, {
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: 'merge,retainKeys',
      patchMergeKey: 'name',
    }),
  ),
  observedGeneration: field(17, int64()),
})
export type PodStatus = Static<typeof PodStatus>
