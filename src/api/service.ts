import { applyServiceDefaults } from './default-service.ts'
import { prepareService } from './prepare-service.ts'
import { serviceColumns } from './service-columns.ts'
import { Condition } from './condition.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import {
  array,
  boolean,
  field,
  int32,
  intOrString,
  map,
  object,
  oneOf,
  pointer,
  string,
  type Static,
} from './schema.ts'
import { validateService } from './validate-service.ts'
import { serviceWarnings } from './warn-service.ts'

export const ServicePort = object('io.k8s.api.core.v1.ServicePort', {
  name: field(1, string(), {
    description:
      'Needed when there are several ports; names of container ports are looked up by targetPort, not by this.',
  }),
  protocol: field(2, oneOf('TCP', 'UDP', 'SCTP'), { default: 'TCP', description: 'Transport protocol.' }),
  appProtocol: pointer(6, string(), {
    description: 'What is spoken on the port, as a hint to proxies and load balancers.',
  }),
  port: field(3, int32(), { required: true, description: 'Where the Service listens on its cluster IP.' }),
  targetPort: field(4, intOrString(), {
    description: 'Where the pods listen: a number, or the name of a container port. Default: the value of port.',
  }),
  nodePort: field(5, int32(), {
    description: 'Where every node listens, for the types NodePort and LoadBalancer. Allocated when it is absent.',
  }),
})
export type ServicePort = Static<typeof ServicePort>

export const ClientIPConfig = object('io.k8s.api.core.v1.ClientIPConfig', {
  timeoutSeconds: pointer(1, int32()),
})
export type ClientIPConfig = Static<typeof ClientIPConfig>

export const SessionAffinityConfig = object('io.k8s.api.core.v1.SessionAffinityConfig', {
  clientIP: pointer(1, ClientIPConfig),
})
export type SessionAffinityConfig = Static<typeof SessionAffinityConfig>

export const ServiceSpec = object('io.k8s.api.core.v1.ServiceSpec', {
  ports: field(
    1,
    array(ServicePort, {
      listType: 'map',
      listMapKeys: ['port', 'protocol'],
      patchStrategy: 'merge',
      patchMergeKey: 'port',
    }),
    { description: 'The ports of the Service.' },
  ),
  selector: field(2, map(string(), 'atomic'), {
    description: 'Labels of the pods behind the Service. Without it somebody else makes the endpoints.',
  }),
  clusterIP: field(3, string(), {
    description: 'The virtual address; None makes a headless Service, whose name resolves to its pods.',
  }),
  clusterIPs: field(18, array(string()), {
    description: 'One virtual address for each IP family; the first is clusterIP.',
  }),
  type: field(4, oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'), {
    default: 'ClusterIP',
    description:
      'How the Service is reached: ClusterIP inside the cluster, NodePort also on every node, LoadBalancer also from outside, ExternalName as an alias of another name.',
  }),
  externalIPs: field(5, array(string()), {
    description: 'Further addresses at which nodes accept traffic for the Service. Deprecated.',
  }),
  sessionAffinity: field(7, oneOf('ClientIP', 'None'), {
    default: 'None',
    description: 'ClientIP sends connections of one client to one pod.',
  }),
  loadBalancerIP: field(8, string(), {
    description: 'Wanted address of the load balancer. Deprecated; its meaning depends on the provider.',
  }),
  loadBalancerSourceRanges: field(9, array(string()), { description: 'Client ranges that may use the load balancer.' }),
  externalName: field(10, string(), { description: 'The name that an ExternalName Service stands for.' }),
  externalTrafficPolicy: field(11, oneOf('Cluster', 'Local'), {
    description: 'Local keeps traffic from outside on the node that took it, with the address of the client.',
  }),
  healthCheckNodePort: field(12, int32(), {
    description: 'Where nodes tell load balancers whether they have pods of the Service. Allocated when it is needed.',
  }),
  publishNotReadyAddresses: field(13, boolean(), { description: 'Whether pods that are not ready are endpoints too.' }),
  sessionAffinityConfig: pointer(14, SessionAffinityConfig, { description: 'How long affinity lasts.' }),
  ipFamilies: field(19, array(oneOf('IPv4', 'IPv6')), { description: 'IP families of the Service, primary first.' }),
  ipFamilyPolicy: pointer(17, oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack'), {
    description: 'Whether the Service has one IP family or two.',
  }),
  allocateLoadBalancerNodePorts: pointer(20, boolean(), {
    description: 'Whether a LoadBalancer Service gets node ports.',
  }),
  loadBalancerClass: pointer(21, string(), {
    description: 'Which load balancer is responsible, when not the default one.',
  }),
  internalTrafficPolicy: pointer(22, oneOf('Cluster', 'Local'), {
    description: 'Local sends traffic from inside the cluster only to pods of the same node.',
  }),
  trafficDistribution: pointer(23, oneOf('PreferClose', 'PreferSameNode', 'PreferSameZone'), {
    description: 'Which endpoints to prefer: those in the same zone, or on the same node.',
  }),
})
export type ServiceSpec = Static<typeof ServiceSpec>

export const PortStatus = object('io.k8s.api.core.v1.PortStatus', {
  port: field(1, int32(), { required: true }),
  protocol: field(2, oneOf('TCP', 'UDP', 'SCTP'), { required: true }),
  error: pointer(3, string()),
})
export type PortStatus = Static<typeof PortStatus>

export const LoadBalancerIngress = object('io.k8s.api.core.v1.LoadBalancerIngress', {
  ip: field(1, string()),
  hostname: field(2, string()),
  ipMode: pointer(3, oneOf('Proxy', 'VIP')),
  ports: field(4, array(PortStatus)),
})
export type LoadBalancerIngress = Static<typeof LoadBalancerIngress>

export const LoadBalancerStatus = object('io.k8s.api.core.v1.LoadBalancerStatus', {
  ingress: field(1, array(LoadBalancerIngress)),
})
export type LoadBalancerStatus = Static<typeof LoadBalancerStatus>

export const ServiceStatus = object('io.k8s.api.core.v1.ServiceStatus', {
  loadBalancer: field(1, LoadBalancerStatus, { default: {} }),
  conditions: field(
    2,
    array(Condition, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
})
export type ServiceStatus = Static<typeof ServiceStatus>

const serviceSchema = kindSchema(
  'io.k8s.api.core.v1.Service',
  {
    spec: field(2, ServiceSpec, { required: true, default: {} }),
    status: field(3, ServiceStatus),
  },
  'One stable address and name for a changing set of pods.',
)
export type Service = Static<typeof serviceSchema>

export const Service = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  schema: serviceSchema,
  hasStatus: true,
  createOnUpdate: true,
  deleteReturnsObject: true,
  columns: serviceColumns,
  selectableFields: {
    'spec.clusterIP': (service) => service.spec.clusterIP ?? '',
    'spec.type': (service) => service.spec.type ?? '',
  },
  applyDefaults: applyServiceDefaults,
  prepare: prepareService,
  validate: validateService,
  warnings: serviceWarnings,
})
