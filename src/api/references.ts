import { field, object, pointer, string, type Static } from './schema.ts'

export const LocalObjectReference = object(
  'io.k8s.api.core.v1.LocalObjectReference',
  {
    name: field(1, string()),
  },
  { mapType: 'atomic' },
)
export type LocalObjectReference = Static<typeof LocalObjectReference>

export const ObjectReference = object(
  'io.k8s.api.core.v1.ObjectReference',
  {
    kind: field(1, string()),
    namespace: field(2, string()),
    name: field(3, string()),
    uid: field(4, string()),
    apiVersion: field(5, string()),
    resourceVersion: field(6, string()),
    fieldPath: field(7, string()),
  },
  { mapType: 'atomic' },
)
export type ObjectReference = Static<typeof ObjectReference>

export const SecretReference = object(
  'io.k8s.api.core.v1.SecretReference',
  {
    name: field(1, string()),
    namespace: field(2, string()),
  },
  { mapType: 'atomic' },
)
export type SecretReference = Static<typeof SecretReference>

export const TypedLocalObjectReference = object(
  'io.k8s.api.core.v1.TypedLocalObjectReference',
  {
    apiGroup: pointer(1, string()),
    kind: field(2, string(), { required: true }),
    name: field(3, string(), { required: true }),
  },
  { mapType: 'atomic' },
)
export type TypedLocalObjectReference = Static<typeof TypedLocalObjectReference>

export const TypedObjectReference = object('io.k8s.api.core.v1.TypedObjectReference', {
  apiGroup: pointer(1, string()),
  kind: field(2, string(), { required: true }),
  name: field(3, string(), { required: true }),
  namespace: pointer(4, string()),
})
export type TypedObjectReference = Static<typeof TypedObjectReference>
