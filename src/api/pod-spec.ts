import { Affinity, Toleration, TopologySpreadConstraint } from './affinity.ts'
import { Container, EphemeralContainer } from './container.ts'
import { LocalObjectReference } from './references.ts'
import { ResourceRequirements } from './resources.ts'
import { PodSecurityContext } from './security-context.ts'
import { Volume } from './volume.ts'
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
  type Static,
} from './schema.ts'

export const HostAlias = object('io.k8s.api.core.v1.HostAlias', {
  ip: field(1, string(), { required: true }),
  hostnames: field(2, array(string())),
})
export type HostAlias = Static<typeof HostAlias>

export const PodDNSConfigOption = object('io.k8s.api.core.v1.PodDNSConfigOption', {
  name: field(1, string()),
  value: pointer(2, string()),
})
export type PodDNSConfigOption = Static<typeof PodDNSConfigOption>

export const PodDNSConfig = object('io.k8s.api.core.v1.PodDNSConfig', {
  nameservers: field(1, array(string())),
  searches: field(2, array(string())),
  options: field(3, array(PodDNSConfigOption)),
})
export type PodDNSConfig = Static<typeof PodDNSConfig>

export const PodReadinessGate = object('io.k8s.api.core.v1.PodReadinessGate', {
  conditionType: field(1, string(), { required: true }),
})
export type PodReadinessGate = Static<typeof PodReadinessGate>

export const PodOS = object('io.k8s.api.core.v1.PodOS', {
  name: field(1, string(), { required: true }),
})
export type PodOS = Static<typeof PodOS>

export const PodSchedulingGate = object('io.k8s.api.core.v1.PodSchedulingGate', {
  name: field(1, string(), { required: true }),
})
export type PodSchedulingGate = Static<typeof PodSchedulingGate>

export const PodResourceClaim = object('io.k8s.api.core.v1.PodResourceClaim', {
  name: field(1, string(), { required: true }),
  resourceClaimName: pointer(3, string()),
  resourceClaimTemplateName: pointer(4, string()),
})
export type PodResourceClaim = Static<typeof PodResourceClaim>

export const PodSpec = object('io.k8s.api.core.v1.PodSpec', {
  volumes: field(
    1,
    array(Volume, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge,retainKeys', patchMergeKey: 'name' }),
  ),
  initContainers: field(
    20,
    array(Container, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  containers: field(
    2,
    array(Container, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
    { required: true },
  ),
  ephemeralContainers: field(
    34,
    array(EphemeralContainer, {
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
  ),
  restartPolicy: field(3, oneOf('Always', 'Never', 'OnFailure'), { default: 'Always' }),
  terminationGracePeriodSeconds: pointer(4, int64(), { default: 30 }),
  activeDeadlineSeconds: pointer(5, int64()),
  dnsPolicy: field(6, oneOf('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'), { default: 'ClusterFirst' }),
  nodeSelector: field(7, map(string(), 'atomic')),
  serviceAccountName: field(8, string()),
  serviceAccount: field(9, string()),
  automountServiceAccountToken: pointer(21, boolean()),
  nodeName: field(10, string()),
  hostNetwork: field(11, boolean()),
  hostPID: field(12, boolean()),
  hostIPC: field(13, boolean()),
  shareProcessNamespace: pointer(27, boolean()),
  securityContext: pointer(14, PodSecurityContext, { default: {} }),
  imagePullSecrets: field(
    15,
    array(LocalObjectReference, {
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: 'merge',
      patchMergeKey: 'name',
    }),
  ),
  hostname: field(16, string()),
  subdomain: field(17, string()),
  affinity: pointer(18, Affinity),
  schedulerName: field(19, string(), { default: 'default-scheduler' }),
  tolerations: field(22, array(Toleration)),
  hostAliases: field(
    23,
    array(HostAlias, { listType: 'map', listMapKeys: ['ip'], patchStrategy: 'merge', patchMergeKey: 'ip' }),
  ),
  priorityClassName: field(24, string()),
  priority: pointer(25, int32()),
  dnsConfig: pointer(26, PodDNSConfig),
  readinessGates: field(28, array(PodReadinessGate)),
  runtimeClassName: pointer(29, string()),
  enableServiceLinks: pointer(30, boolean()),
  preemptionPolicy: pointer(31, oneOf('Never', 'PreemptLowerPriority')),
  overhead: field(32, map(quantity())),
  topologySpreadConstraints: field(
    33,
    array(TopologySpreadConstraint, {
      listType: 'map',
      listMapKeys: ['topologyKey', 'whenUnsatisfiable'],
      patchStrategy: 'merge',
      patchMergeKey: 'topologyKey',
    }),
  ),
  setHostnameAsFQDN: pointer(35, boolean()),
  os: pointer(36, PodOS),
  hostUsers: pointer(37, boolean()),
  schedulingGates: field(
    38,
    array(PodSchedulingGate, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  resourceClaims: field(
    39,
    array(PodResourceClaim, {
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: 'merge,retainKeys',
      patchMergeKey: 'name',
    }),
  ),
  resources: pointer(40, ResourceRequirements),
  hostnameOverride: pointer(41, string()),
})
export type PodSpec = Static<typeof PodSpec>
