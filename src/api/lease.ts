import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { field, int32, microTime, object, pointer, string, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const LeaseSpec = object('io.k8s.api.coordination.v1.LeaseSpec', {
  holderIdentity: pointer(1, string()),
  leaseDurationSeconds: pointer(2, int32()),
  acquireTime: pointer(3, microTime()),
  renewTime: pointer(4, microTime()),
  leaseTransitions: pointer(5, int32()),
  strategy: pointer(6, string()),
  preferredHolder: pointer(7, string()),
})
export type LeaseSpec = Static<typeof LeaseSpec>

const leaseSchema = kindSchema('io.k8s.api.coordination.v1.Lease', {
  spec: field(2, LeaseSpec, { required: true, default: {} }),
})
export type Lease = Static<typeof leaseSchema>

export const Lease = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  schema: leaseSchema,
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [nameColumn(), textColumn('Holder', (lease) => lease.spec.holderIdentity ?? ''), ageColumn()],
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
