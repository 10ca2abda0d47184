import { ageColumn, firstOf, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { ObjectReference } from './references.ts'
import { array, field, int32, object, oneOf, pointer, string, type Static } from './schema.ts'
import { endpointsWarning, validateEndpoints } from './validate-endpoints.ts'

export const EndpointAddress = object(
  'io.k8s.api.core.v1.EndpointAddress',
  {
    ip: field(1, string(), { required: true }),
    hostname: field(3, string()),
    nodeName: pointer(4, string()),
    targetRef: pointer(2, ObjectReference),
  },
  { mapType: 'atomic' },
)
export type EndpointAddress = Static<typeof EndpointAddress>

export const EndpointPort = object(
  'io.k8s.api.core.v1.EndpointPort',
  {
    name: field(1, string()),
    port: field(2, int32(), { required: true }),
    protocol: field(3, oneOf('TCP', 'UDP', 'SCTP'), { default: 'TCP' }),
    appProtocol: pointer(4, string()),
  },
  { mapType: 'atomic' },
)
export type EndpointPort = Static<typeof EndpointPort>

export const EndpointSubset = object('io.k8s.api.core.v1.EndpointSubset', {
  addresses: field(1, array(EndpointAddress)),
  notReadyAddresses: field(2, array(EndpointAddress)),
  ports: field(3, array(EndpointPort)),
})
export type EndpointSubset = Static<typeof EndpointSubset>

const endpointsSchema = kindSchema(
  'io.k8s.api.core.v1.Endpoints',
  {
    subsets: field(2, array(EndpointSubset)),
  },
  'The addresses and ports behind a Service in one object. Deprecated: read EndpointSlices.',
)
export type Endpoints = Static<typeof endpointsSchema>

export const Endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  schema: endpointsSchema,
  createOnUpdate: true,
  columns: [nameColumn(), textColumn('Endpoints', (endpoints) => endpointsCell(endpoints)), ageColumn()],
  validate: validateEndpoints,
  deprecated: endpointsWarning,
})

function endpointsCell({ subsets = [] }: Endpoints): string {
  const targets = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map((address) => address.ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  )
  return targets.length === 0 ? '<none>' : firstOf(targets, 3)
}
