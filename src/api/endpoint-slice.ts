import { ageColumn, firstOf, nameColumn, textColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { ObjectReference } from './references.ts'
import { array, boolean, field, int32, map, object, oneOf, pointer, string, type Static } from './schema.ts'
import { validateEndpointSlice } from './validate-endpoint-slice.ts'

export const EndpointConditions = object('io.k8s.api.discovery.v1.EndpointConditions', {
  ready: pointer(1, boolean()),
  serving: pointer(2, boolean()),
  terminating: pointer(3, boolean()),
})
export type EndpointConditions = Static<typeof EndpointConditions>

export const ForZone = object('io.k8s.api.discovery.v1.ForZone', {
  name: field(1, string(), { required: true }),
})
export type ForZone = Static<typeof ForZone>

export const ForNode = object('io.k8s.api.discovery.v1.ForNode', {
  name: field(1, string(), { required: true }),
})
export type ForNode = Static<typeof ForNode>

export const EndpointHints = object('io.k8s.api.discovery.v1.EndpointHints', {
  forZones: field(1, array(ForZone)),
  forNodes: field(2, array(ForNode)),
})
export type EndpointHints = Static<typeof EndpointHints>

export const Endpoint = object('io.k8s.api.discovery.v1.Endpoint', {
  addresses: field(1, array(string(), { listType: 'set' }), {
    required: true,
    description: 'Addresses of this endpoint; consumers use the first.',
  }),
  conditions: field(2, EndpointConditions, { description: 'Whether traffic may be sent here.' }),
  hostname: pointer(3, string(), { description: 'Host name of the endpoint, for names in DNS.' }),
  targetRef: pointer(4, ObjectReference, { description: 'The object behind the endpoint, usually a pod.' }),
  deprecatedTopology: field(5, map(string())),
  nodeName: pointer(6, string(), { description: 'The node that it runs on.' }),
  zone: pointer(7, string(), { description: 'The zone that it is in.' }),
  hints: pointer(8, EndpointHints, { description: 'For which zones and nodes it is meant.' }),
})
export type Endpoint = Static<typeof Endpoint>

export const EndpointPort = object(
  'io.k8s.api.discovery.v1.EndpointPort',
  {
    name: pointer(1, string(), { default: '' }),
    protocol: pointer(2, oneOf('TCP', 'UDP', 'SCTP'), { default: 'TCP' }),
    port: pointer(3, int32()),
    appProtocol: pointer(4, string()),
  },
  { mapType: 'atomic' },
)
export type EndpointPort = Static<typeof EndpointPort>

const endpointSliceSchema = kindSchema(
  'io.k8s.api.discovery.v1.EndpointSlice',
  {
    addressType: field(4, oneOf('FQDN', 'IPv4', 'IPv6'), { required: true }),
    endpoints: field(2, array(Endpoint)),
    ports: field(3, array(EndpointPort)),
  },
  'Some of the addresses and ports behind a Service, with their state.',
)
export type EndpointSlice = Static<typeof endpointSliceSchema>

/** When that happened which a slice was last written for (RFC 3339): what latency is measured from. */
/** On slices and Endpoints of Services without a ClusterIP; on a Service: proxies leave it alone. */
export const headlessLabel = 'service.kubernetes.io/headless'

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

export const EndpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  schema: endpointSliceSchema,
  hasGeneration: true,
  columns: [
    nameColumn(),
    textColumn('AddressType', (slice) => slice.addressType),
    textColumn('Ports', portsCell),
    textColumn('Endpoints', endpointsCell),
    ageColumn(),
  ],
  validate: validateEndpointSlice,
})

function portsCell({ ports = [] }: EndpointSlice): string {
  return ports.length === 0
    ? '<unset>'
    : firstOf(
        ports.map(({ port }) => (port === undefined ? '*' : `${port}`)),
        3,
      )
}

function endpointsCell({ endpoints = [] }: EndpointSlice): string {
  const addresses = endpoints.flatMap((endpoint) => endpoint.addresses)
  return addresses.length === 0 ? '<unset>' : firstOf(addresses, 3)
}
