/** Metadata of objects and lists, and the options of a deletion (meta.k8s.io/v1). */
import type * as meta from './meta.ts'
import type { KubeObject } from './meta.ts'
import {
  array,
  boolean,
  field,
  fieldsV1,
  int64,
  map,
  object,
  pointer,
  string,
  time,
  type Field,
  type ObjectSchema,
  type Static,
  type StaticFields,
} from './schema.ts'

export const OwnerReference = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  {
    apiVersion: field(5, string(), { required: true }),
    kind: field(1, string(), { required: true }),
    name: field(3, string(), { required: true }),
    uid: field(4, string(), { required: true }),
    controller: pointer(6, boolean()),
    blockOwnerDeletion: pointer(7, boolean()),
  },
  { mapType: 'atomic' },
)
export type OwnerReference = Static<typeof OwnerReference>

export const ManagedFieldsEntry = object('io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry', {
  manager: field(1, string()),
  operation: field(2, string()),
  apiVersion: field(3, string()),
  time: pointer(4, time()),
  fieldsType: field(6, string()),
  fieldsV1: pointer(7, fieldsV1()),
  subresource: field(8, string()),
})
export type ManagedFieldsEntry = Static<typeof ManagedFieldsEntry>

/** Metadata inside a template: a name is not needed there. */
export const TemplateMeta = object('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', {
  name: field(1, string()),
  generateName: field(2, string()),
  namespace: field(3, string()),
  uid: field(5, string()),
  resourceVersion: field(6, string()),
  generation: field(7, int64()),
  creationTimestamp: field(8, time()),
  deletionTimestamp: pointer(9, time()),
  deletionGracePeriodSeconds: pointer(10, int64()),
  labels: field(11, map(string())),
  annotations: field(12, map(string())),
  ownerReferences: field(
    13,
    array(OwnerReference, { listType: 'map', listMapKeys: ['uid'], patchStrategy: 'merge', patchMergeKey: 'uid' }),
  ),
  finalizers: field(14, array(string(), { listType: 'set', patchStrategy: 'merge' })),
  managedFields: field(17, array(ManagedFieldsEntry)),
})
export type TemplateMeta = Static<typeof TemplateMeta>

// A stored object always has a name; it is absent only while one is still to be made from generateName.
export const ObjectMeta = TemplateMeta as ObjectSchema<TemplateMeta> as ObjectSchema<meta.ObjectMeta>
export type ObjectMeta = meta.ObjectMeta

export const ListMeta = object('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta', {
  resourceVersion: field(2, string()),
  continue: field(3, string()),
  remainingItemCount: pointer(4, int64()),
})
export type ListMeta = Static<typeof ListMeta>

export const Preconditions = object('io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions', {
  uid: pointer(1, string()),
  resourceVersion: pointer(2, string()),
})
export type Preconditions = Static<typeof Preconditions>

export const DeleteOptions = object('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', {
  gracePeriodSeconds: pointer(1, int64()),
  preconditions: pointer(2, Preconditions),
  orphanDependents: pointer(3, boolean()),
  propagationPolicy: pointer(4, string()),
  dryRun: field(5, array(string())),
  ignoreStoreReadErrorWithClusterBreakingPotential: pointer(6, boolean()),
})
export type DeleteOptions = Static<typeof DeleteOptions>

type Fields = Readonly<Record<string, Field>>
type Flat<T> = { [K in keyof T]: T[K] }

/** The schema of a kind: `fields` beside apiVersion, kind and metadata (protobuf field 1), which every object has. */
export function kindSchema<const F extends Fields>(
  name: string,
  fields: F,
  description?: string,
): ObjectSchema<Flat<KubeObject & StaticFields<F>>> {
  const metadata = field(1, ObjectMeta, { required: true, default: {} })
  return {
    type: 'object',
    name,
    fields: { apiVersion: field(0, string()), kind: field(0, string()), metadata, ...fields },
    ...(description !== undefined && { description }),
  }
}
