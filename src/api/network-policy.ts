import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { formatLabelSelector } from './parse-selector.ts'
import { defineKind } from './kind.ts'
import { LabelSelector } from './label-selector.ts'
import { kindSchema } from './meta-schema.ts'
import { array, field, int32, intOrString, object, pointer, string, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const NetworkPolicyPort = object('io.k8s.api.networking.v1.NetworkPolicyPort', {
  protocol: pointer(1, string()),
  port: pointer(2, intOrString()),
  endPort: pointer(3, int32()),
})
export type NetworkPolicyPort = Static<typeof NetworkPolicyPort>

export const IPBlock = object('io.k8s.api.networking.v1.IPBlock', {
  cidr: field(1, string(), { required: true }),
  except: field(2, array(string())),
})
export type IPBlock = Static<typeof IPBlock>

export const NetworkPolicyPeer = object('io.k8s.api.networking.v1.NetworkPolicyPeer', {
  podSelector: pointer(1, LabelSelector),
  namespaceSelector: pointer(2, LabelSelector),
  ipBlock: pointer(3, IPBlock),
})
export type NetworkPolicyPeer = Static<typeof NetworkPolicyPeer>

export const NetworkPolicyIngressRule = object('io.k8s.api.networking.v1.NetworkPolicyIngressRule', {
  ports: field(1, array(NetworkPolicyPort)),
  from: field(2, array(NetworkPolicyPeer)),
})
export type NetworkPolicyIngressRule = Static<typeof NetworkPolicyIngressRule>

export const NetworkPolicyEgressRule = object('io.k8s.api.networking.v1.NetworkPolicyEgressRule', {
  ports: field(1, array(NetworkPolicyPort)),
  to: field(2, array(NetworkPolicyPeer)),
})
export type NetworkPolicyEgressRule = Static<typeof NetworkPolicyEgressRule>

export const NetworkPolicySpec = object('io.k8s.api.networking.v1.NetworkPolicySpec', {
  podSelector: field(1, LabelSelector),
  ingress: field(2, array(NetworkPolicyIngressRule)),
  egress: field(3, array(NetworkPolicyEgressRule)),
  policyTypes: field(4, array(string())),
})
export type NetworkPolicySpec = Static<typeof NetworkPolicySpec>

const networkPolicySchema = kindSchema(
  'io.k8s.api.networking.v1.NetworkPolicy',
  {
    spec: field(2, NetworkPolicySpec, { required: true, default: {} }),
  },
  'Says which traffic pods accept and send.',
)
export type NetworkPolicy = Static<typeof networkPolicySchema>

export const NetworkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  schema: networkPolicySchema,
  hasGeneration: true,
  columns: [
    nameColumn(),
    textColumn('Pod-Selector', ({ spec }) => formatLabelSelector(spec.podSelector) || '<none>'),
    ageColumn(),
  ],
  applyDefaults: ({ spec }) => {
    spec.policyTypes ??= spec.egress ? ['Ingress', 'Egress'] : ['Ingress']
  },
  validate: (object, { before }) => validateObjectMeta(object.metadata, { namespaced: true, before: before?.metadata }),
})
