import { EnvFromSource, EnvVar } from './env.ts'
import { Lifecycle, Probe } from './probe.ts'
import { ContainerResizePolicy, ResourceRequirements } from './resources.ts'
import { SecurityContext } from './security-context.ts'
import { array, boolean, embedded, field, int32, object, oneOf, pointer, string, type Static } from './schema.ts'

export const ContainerPort = object('io.k8s.api.core.v1.ContainerPort', {
  name: field(1, string()),
  hostPort: field(2, int32()),
  containerPort: field(3, int32(), { required: true }),
  protocol: field(4, oneOf('TCP', 'UDP', 'SCTP'), { default: 'TCP' }),
  hostIP: field(5, string()),
})
export type ContainerPort = Static<typeof ContainerPort>

export const VolumeMount = object('io.k8s.api.core.v1.VolumeMount', {
  name: field(1, string(), { required: true }),
  readOnly: field(2, boolean()),
  recursiveReadOnly: pointer(7, string()),
  mountPath: field(3, string(), { required: true }),
  subPath: field(4, string()),
  mountPropagation: pointer(5, string()),
  subPathExpr: field(6, string()),
})
export type VolumeMount = Static<typeof VolumeMount>

export const VolumeDevice = object('io.k8s.api.core.v1.VolumeDevice', {
  name: field(1, string(), { required: true }),
  devicePath: field(2, string(), { required: true }),
})
export type VolumeDevice = Static<typeof VolumeDevice>

export const ContainerRestartRuleOnExitCodes = object('io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes', {
  operator: field(1, string(), { required: true }),
  values: field(2, array(int32())),
})
export type ContainerRestartRuleOnExitCodes = Static<typeof ContainerRestartRuleOnExitCodes>

export const ContainerRestartRule = object('io.k8s.api.core.v1.ContainerRestartRule', {
  action: field(1, string(), { required: true }),
  exitCodes: pointer(2, ContainerRestartRuleOnExitCodes),
})
export type ContainerRestartRule = Static<typeof ContainerRestartRule>

/** What containers of every sort have, but for the name. */
const commonFields = {
  image: field(2, string()),
  command: field(3, array(string())),
  args: field(4, array(string())),
  workingDir: field(5, string()),
  ports: field(
    6,
    array(ContainerPort, {
      listType: 'map',
      listMapKeys: ['containerPort', 'protocol'],
      patchStrategy: 'merge',
      patchMergeKey: 'containerPort',
    }),
  ),
  envFrom: field(19, array(EnvFromSource)),
  env: field(
    7,
    array(EnvVar, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  resources: field(8, ResourceRequirements, { default: {} }),
  resizePolicy: field(23, array(ContainerResizePolicy)),
  restartPolicy: pointer(24, string()),
  volumeMounts: field(
    9,
    array(VolumeMount, {
      listType: 'map',
      listMapKeys: ['mountPath'],
      patchStrategy: 'merge',
      patchMergeKey: 'mountPath',
    }),
  ),
  volumeDevices: field(
    21,
    array(VolumeDevice, {
      listType: 'map',
      listMapKeys: ['devicePath'],
      patchStrategy: 'merge',
      patchMergeKey: 'devicePath',
    }),
  ),
  livenessProbe: pointer(10, Probe),
  readinessProbe: pointer(11, Probe),
  startupProbe: pointer(22, Probe),
  lifecycle: pointer(12, Lifecycle),
  terminationMessagePath: field(13, string(), { default: '/dev/termination-log' }),
  terminationMessagePolicy: field(20, oneOf('FallbackToLogsOnError', 'File'), { default: 'File' }),
  imagePullPolicy: field(14, oneOf('Always', 'IfNotPresent', 'Never')),
  securityContext: pointer(15, SecurityContext),
  stdin: field(16, boolean()),
  stdinOnce: field(17, boolean()),
  tty: field(18, boolean()),
  restartPolicyRules: field(25, array(ContainerRestartRule)),
} as const

export const Container = object('io.k8s.api.core.v1.Container', {
  name: field(1, string(), { required: true }),
  ...commonFields,
})
export type Container = Static<typeof Container>

export const EphemeralContainerCommon = object('io.k8s.api.core.v1.EphemeralContainerCommon', {
  name: field(1, string(), { zero: 'keep' }),
  ...commonFields,
})
export type EphemeralContainerCommon = Static<typeof EphemeralContainerCommon>

export const EphemeralContainer = object('io.k8s.api.core.v1.EphemeralContainer', {
  ...embedded(1, EphemeralContainerCommon),
  targetContainerName: field(2, string()),
})
export type EphemeralContainer = Static<typeof EphemeralContainer>
