import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { array, field, map, object, pointer, quantity, string, type Static } from './schema.ts'
import { validateResourceQuota } from './validate-resource-quota.ts'

export const ScopedResourceSelectorRequirement = object('io.k8s.api.core.v1.ScopedResourceSelectorRequirement', {
  scopeName: field(1, string(), { required: true }),
  operator: field(2, string(), { required: true }),
  values: field(3, array(string())),
})
export type ScopedResourceSelectorRequirement = Static<typeof ScopedResourceSelectorRequirement>

export const ScopeSelector = object(
  'io.k8s.api.core.v1.ScopeSelector',
  {
    matchExpressions: field(1, array(ScopedResourceSelectorRequirement)),
  },
  { mapType: 'atomic' },
)
export type ScopeSelector = Static<typeof ScopeSelector>

export const ResourceQuotaSpec = object('io.k8s.api.core.v1.ResourceQuotaSpec', {
  hard: field(1, map(quantity())),
  scopes: field(2, array(string())),
  scopeSelector: pointer(3, ScopeSelector),
})
export type ResourceQuotaSpec = Static<typeof ResourceQuotaSpec>

export const ResourceQuotaStatus = object('io.k8s.api.core.v1.ResourceQuotaStatus', {
  hard: field(1, map(quantity())),
  used: field(2, map(quantity())),
})
export type ResourceQuotaStatus = Static<typeof ResourceQuotaStatus>

const resourceQuotaSchema = kindSchema(
  'io.k8s.api.core.v1.ResourceQuota',
  {
    spec: field(2, ResourceQuotaSpec, { required: true, default: {} }),
    status: field(3, ResourceQuotaStatus),
  },
  'Limits what a namespace may use in all.',
)
export type ResourceQuota = Static<typeof resourceQuotaSchema>

export const ResourceQuota = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  schema: resourceQuotaSchema,
  hasStatus: true,
  deleteReturnsObject: true,
  columns: [
    nameColumn(),
    textColumn('Request', (quota) => usage(quota, (name) => !name.startsWith('limits.'))),
    textColumn('Limit', (quota) => usage(quota, (name) => name.startsWith('limits.'))),
    ageColumn(),
  ],
  validate: validateResourceQuota,
})

function usage({ status }: ResourceQuota, isShown: (name: string) => boolean): string {
  return Object.entries(status?.hard ?? {})
    .filter(([name]) => isShown(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${status?.used?.[name] ?? '0'}/${hard}`)
    .join(', ')
}
