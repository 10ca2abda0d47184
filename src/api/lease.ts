import { invalidValue, nonNegative } from './findings.ts'
import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind, type Finding, type ValidationContext } from './kind.ts'
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

const leaseSchema = kindSchema(
  'io.k8s.api.coordination.v1.Lease',
  {
    spec: field(2, LeaseSpec, { required: true, default: {} }),
  },
  'A lock with a time limit: leader election and heartbeats of nodes.',
)
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
  validate: validateLease,
})

function validateLease({ metadata, spec }: Lease, { before }: ValidationContext<Lease>): Finding[] {
  const findings = validateObjectMeta(metadata, { namespaced: true, before: before?.metadata })
  const { leaseDurationSeconds, leaseTransitions } = spec
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    findings.push(invalidValue('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'))
  }
  return [...findings, ...nonNegative('spec.leaseTransitions', leaseTransitions)]
}
