import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { Condition } from './condition.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { array, field, object, string, type Static } from './schema.ts'
import { validateServiceCidr } from './validate-service-cidr.ts'

export const ServiceCIDRSpec = object('io.k8s.api.networking.v1.ServiceCIDRSpec', {
  cidrs: field(1, array(string())),
})
export type ServiceCIDRSpec = Static<typeof ServiceCIDRSpec>

export const ServiceCIDRStatus = object('io.k8s.api.networking.v1.ServiceCIDRStatus', {
  conditions: field(
    1,
    array(Condition, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
})
export type ServiceCIDRStatus = Static<typeof ServiceCIDRStatus>

const serviceCIDRSchema = kindSchema(
  'io.k8s.api.networking.v1.ServiceCIDR',
  {
    spec: field(2, ServiceCIDRSpec, { required: true, default: {} }),
    status: field(3, ServiceCIDRStatus),
  },
  'A range from which cluster IPs are allocated.',
)
export type ServiceCIDR = Static<typeof serviceCIDRSchema>

export const ServiceCIDR = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  // asked for by kubectl before 1.33
  olderVersions: ['v1beta1'],
  schema: serviceCIDRSchema,
  namespaced: false,
  hasStatus: true,
  columns: [nameColumn(), textColumn('CIDRs', ({ spec }) => (spec.cidrs ?? []).join(',')), ageColumn()],
  validate: validateServiceCidr,
})
