/** Small valid objects for the tests of this room. */
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import type { ReplicaSet } from '#api/replica-set.ts'
import type { Service } from '#api/service.ts'

export const sampleNowMs = Date.parse('2026-03-01T12:00:00Z')
const longAgo = '2026-03-01T11:00:00Z'

export interface SamplePod {
  readonly labels?: Record<string, string>
  readonly node?: string
  readonly ip?: string
  readonly ready?: boolean
  readonly readySince?: string
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  readonly deleting?: boolean
  readonly created?: string
  readonly annotations?: Record<string, string>
  readonly restarts?: number
  readonly spec?: Partial<Pod['spec']>
}

export function samplePod(name: string, options: SamplePod = {}): Pod {
  const { labels = { app: 'web' }, node, ip, ready = true, phase = 'Running', restarts = 0, annotations } = options
  const { readySince = longAgo, created = longAgo } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      labels,
      creationTimestamp: created,
      ...(annotations && { annotations }),
      ...(options.deleting && { deletionTimestamp: longAgo }),
    },
    spec: { containers: [{ name: 'main', image: 'web' }], ...(node && { nodeName: node }), ...options.spec },
    status: {
      phase,
      ...(ip && { podIP: ip, podIPs: [{ ip }] }),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: readySince }],
      containerStatuses: [{ name: 'main', ready, restartCount: restarts, image: 'web', imageID: '' }],
    },
  }
}

export function sampleService(
  spec: Partial<Service['spec']> = {},
  metadata: Partial<Service['metadata']> = {},
): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default', uid: 'uid-web', creationTimestamp: longAgo, ...metadata },
    spec: {
      selector: { app: 'web' },
      clusterIP: '10.96.0.10',
      ipFamilies: ['IPv4'],
      ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }],
      ...spec,
    },
  }
}

export function sampleNode(name: string, spec: Node['spec'] = {}, labels: Record<string, string> = {}): Node {
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

export interface SampleSet {
  readonly replicas: number
  readonly available?: number
  readonly image?: string
  readonly created?: string
  readonly annotations?: Record<string, string>
}

export function sampleReplicaSet(name: string, options: SampleSet): ReplicaSet {
  const { replicas, available = replicas, image = 'v1', created = longAgo, annotations } = options
  const labels = { app: 'web', 'pod-template-hash': name }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      creationTimestamp: created,
      ...(annotations && { annotations }),
    },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image }] } },
    },
    status: { replicas, readyReplicas: available, availableReplicas: available },
  }
}
