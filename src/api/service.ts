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
  name: field(1, string()),
  protocol: field(2, oneOf('TCP', 'UDP', 'SCTP'), { default: 'TCP' }),
  appProtocol: pointer(6, string()),
  port: field(3, int32(), { required: true }),
  targetPort: field(4, intOrString()),
  nodePort: field(5, int32()),
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
  ),
  selector: field(2, map(string(), 'atomic')),
  clusterIP: field(3, string()),
  clusterIPs: field(18, array(string())),
  type: field(4, oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'), { default: 'ClusterIP' }),
  externalIPs: field(5, array(string())),
  sessionAffinity: field(7, oneOf('ClientIP', 'None'), { default: 'None' }),
  loadBalancerIP: field(8, string()),
  loadBalancerSourceRanges: field(9, array(string())),
  externalName: field(10, string()),
  externalTrafficPolicy: field(11, oneOf('Cluster', 'Local')),
  healthCheckNodePort: field(12, int32()),
  publishNotReadyAddresses: field(13, boolean()),
  sessionAffinityConfig: pointer(14, SessionAffinityConfig),
  ipFamilies: field(19, array(oneOf('IPv4', 'IPv6'))),
  ipFamilyPolicy: pointer(17, oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack')),
  allocateLoadBalancerNodePorts: pointer(20, boolean()),
  loadBalancerClass: pointer(21, string()),
  internalTrafficPolicy: pointer(22, oneOf('Cluster', 'Local')),
  trafficDistribution: pointer(23, oneOf('PreferClose', 'PreferSameNode', 'PreferSameZone')),
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
  loadBalancer: field(1, LoadBalancerStatus),
  conditions: field(
    2,
    array(Condition, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
})
export type ServiceStatus = Static<typeof ServiceStatus>

const serviceSchema = kindSchema('io.k8s.api.core.v1.Service', {
  spec: field(2, ServiceSpec, { required: true, default: {} }),
  status: field(3, ServiceStatus),
})
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
