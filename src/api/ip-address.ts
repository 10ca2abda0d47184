import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { field, object, pointer, string, type Static } from './schema.ts'
import { validateIpAddress } from './validate-service-cidr.ts'

export const ParentReference = object('io.k8s.api.networking.v1.ParentReference', {
  group: field(1, string()),
  resource: field(2, string(), { required: true }),
  namespace: field(3, string()),
  name: field(4, string(), { required: true }),
})
export type ParentReference = Static<typeof ParentReference>

export const IPAddressSpec = object('io.k8s.api.networking.v1.IPAddressSpec', {
  parentRef: pointer(1, ParentReference, { required: true }),
})
export type IPAddressSpec = Static<typeof IPAddressSpec>

const ipAddressSchema = kindSchema(
  'io.k8s.api.networking.v1.IPAddress',
  {
    spec: field(2, IPAddressSpec, { required: true, default: {} }),
  },
  'Holds one cluster IP for the object that uses it.',
)
export type IPAddress = Static<typeof ipAddressSchema>

export const IPAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  // asked for by kubectl before 1.33
  olderVersions: ['v1beta1'],
  shortNames: ['ip'],
  schema: ipAddressSchema,
  namespaced: false,
  columns: [nameColumn(), textColumn('ParentRef', parentCell), ageColumn()],
  validate: validateIpAddress,
})

/** `services/default/web`, with the group after the resource where there is one. */
function parentCell({ spec: { parentRef } }: IPAddress): string {
  if (parentRef === undefined) return '<none>'
  const { group, resource, namespace, name } = parentRef
  return [group ? `${resource}.${group}` : resource, ...(namespace ? [namespace] : []), name].join('/')
}
