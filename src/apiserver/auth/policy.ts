/** Who may do what, as a table: the roles that every Kubernetes cluster has, bound to fixed users and groups. */

export interface ResourceRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  /** `pods`, `pods/log`, or `*` for all resources with all their subresources. */
  readonly resources: readonly string[]
  /** Absent: any. */
  readonly resourceNames?: readonly string[]
}

export interface PathRule {
  readonly verbs: readonly string[]
  /** Exact, or ending in `*`. */
  readonly nonResourceURLs: readonly string[]
}

export type Rule = ResourceRule | PathRule

export interface Grant {
  readonly users?: readonly string[]
  readonly groups?: readonly string[]
  /** Resource rules hold only there; absent: everywhere. */
  readonly namespace?: string
  readonly rules: readonly Rule[]
}

const read = ['get', 'list', 'watch']
const everything: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]
const health = ['/healthz', '/livez', '/readyz', '/healthz/*', '/livez/*', '/readyz/*', '/version', '/version/']
const discovery = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*']
const writeEvents: Rule = {
  verbs: ['create', 'patch', 'update'],
  apiGroups: ['', 'events.k8s.io'],
  resources: ['events'],
}
const keepLeases: Rule = {
  verbs: ['create', 'delete', 'get', 'patch', 'update'],
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
}
const readRouting: readonly Rule[] = [
  { verbs: read, apiGroups: [''], resources: ['services', 'endpoints', 'nodes', 'namespaces', 'pods'] },
  { verbs: read, apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] },
  { verbs: read, apiGroups: ['networking.k8s.io'], resources: ['servicecidrs', 'ipaddresses', 'ingresses'] },
]

/** Checked from top to bottom; whatever no row allows is refused. */
export const standardPolicy: readonly Grant[] = [
  { groups: ['system:masters'], rules: everything },
  { groups: ['system:authenticated', 'system:unauthenticated'], rules: [{ verbs: ['get'], nonResourceURLs: health }] },
  {
    groups: ['system:authenticated'],
    rules: [
      { verbs: ['get'], nonResourceURLs: discovery },
      {
        verbs: ['create'],
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
      },
      { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
    ],
  },
  { groups: ['system:monitoring'], rules: [{ verbs: ['get'], nonResourceURLs: [...health, '/metrics'] }] },
  // It makes and removes objects of every kind (garbage collection, namespaces), also of kinds yet to come.
  { users: ['system:kube-controller-manager'], rules: everything },
  {
    users: ['system:kube-scheduler'],
    rules: [
      { verbs: read, apiGroups: [''], resources: ['pods', 'nodes', 'namespaces', 'services'] },
      { verbs: ['create'], apiGroups: [''], resources: ['pods/binding', 'bindings'] },
      { verbs: ['patch', 'update'], apiGroups: [''], resources: ['pods/status'] },
      { verbs: ['delete'], apiGroups: [''], resources: ['pods'] },
      writeEvents,
      keepLeases,
    ],
  },
  {
    groups: ['system:nodes'],
    rules: [
      ...readRouting,
      { verbs: read, apiGroups: [''], resources: ['configmaps', 'secrets', 'serviceaccounts'] },
      { verbs: ['create', 'delete', 'patch', 'update'], apiGroups: [''], resources: ['nodes', 'pods'] },
      { verbs: ['patch', 'update'], apiGroups: [''], resources: ['nodes/status', 'pods/status'] },
      { verbs: ['create'], apiGroups: [''], resources: ['serviceaccounts/token'] },
      { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'] },
      { verbs: ['create'], apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'] },
      writeEvents,
      keepLeases,
    ],
  },
  { users: ['system:kube-proxy'], groups: ['system:node-proxiers'], rules: [...readRouting, writeEvents] },
  {
    groups: ['system:frontdesk'],
    rules: [
      ...readRouting,
      { verbs: read, apiGroups: [''], resources: ['configmaps'] },
      // Where a load balancer is found on the host is remembered there.
      { verbs: ['patch'], apiGroups: [''], resources: ['services/status'] },
      writeEvents,
      keepLeases,
    ],
  },
]
