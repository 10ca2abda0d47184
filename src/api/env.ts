import { LocalObjectReference } from './references.ts'
import { boolean, embedded, field, object, pointer, quantity, string, type Static } from './schema.ts'

export const ObjectFieldSelector = object(
  'io.k8s.api.core.v1.ObjectFieldSelector',
  {
    apiVersion: field(1, string(), { default: 'v1' }),
    fieldPath: field(2, string(), { required: true }),
  },
  { mapType: 'atomic' },
)
export type ObjectFieldSelector = Static<typeof ObjectFieldSelector>

export const ResourceFieldSelector = object(
  'io.k8s.api.core.v1.ResourceFieldSelector',
  {
    containerName: field(1, string()),
    resource: field(2, string(), { required: true }),
    divisor: field(3, quantity()),
  },
  { mapType: 'atomic' },
)
export type ResourceFieldSelector = Static<typeof ResourceFieldSelector>

export const ConfigMapKeySelector = object(
  'io.k8s.api.core.v1.ConfigMapKeySelector',
  {
    ...embedded(1, LocalObjectReference),
    key: field(2, string(), { required: true }),
    optional: pointer(3, boolean()),
  },
  { mapType: 'atomic' },
)
export type ConfigMapKeySelector = Static<typeof ConfigMapKeySelector>

export const SecretKeySelector = object(
  'io.k8s.api.core.v1.SecretKeySelector',
  {
    ...embedded(1, LocalObjectReference),
    key: field(2, string(), { required: true }),
    optional: pointer(3, boolean()),
  },
  { mapType: 'atomic' },
)
export type SecretKeySelector = Static<typeof SecretKeySelector>

export const FileKeySelector = object(
  'io.k8s.api.core.v1.FileKeySelector',
  {
    volumeName: field(1, string(), { required: true }),
    path: field(2, string(), { required: true }),
    key: field(3, string(), { required: true }),
    optional: pointer(4, boolean()),
  },
  { mapType: 'atomic' },
)
export type FileKeySelector = Static<typeof FileKeySelector>

export const EnvVarSource = object('io.k8s.api.core.v1.EnvVarSource', {
  fieldRef: pointer(1, ObjectFieldSelector),
  resourceFieldRef: pointer(2, ResourceFieldSelector),
  configMapKeyRef: pointer(3, ConfigMapKeySelector),
  secretKeyRef: pointer(4, SecretKeySelector),
  fileKeyRef: pointer(5, FileKeySelector),
})
export type EnvVarSource = Static<typeof EnvVarSource>

export const EnvVar = object('io.k8s.api.core.v1.EnvVar', {
  name: field(1, string(), { required: true }),
  value: field(2, string()),
  valueFrom: pointer(3, EnvVarSource),
})
export type EnvVar = Static<typeof EnvVar>

export const ConfigMapEnvSource = object('io.k8s.api.core.v1.ConfigMapEnvSource', {
  ...embedded(1, LocalObjectReference),
  optional: pointer(2, boolean()),
})
export type ConfigMapEnvSource = Static<typeof ConfigMapEnvSource>

export const SecretEnvSource = object('io.k8s.api.core.v1.SecretEnvSource', {
  ...embedded(1, LocalObjectReference),
  optional: pointer(2, boolean()),
})
export type SecretEnvSource = Static<typeof SecretEnvSource>

export const EnvFromSource = object('io.k8s.api.core.v1.EnvFromSource', {
  prefix: field(1, string()),
  configMapRef: pointer(2, ConfigMapEnvSource),
  secretRef: pointer(3, SecretEnvSource),
})
export type EnvFromSource = Static<typeof EnvFromSource>
