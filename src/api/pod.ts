import { applyPodDefaults } from './default-pod-spec.ts'
import { podColumns } from './pod-columns.ts'
import { qosClassOf } from './pod-qos.ts'
import { defineKind } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { PodSpec } from './pod-spec.ts'
import { PodStatus } from './pod-status.ts'
import { field, type Static } from './schema.ts'
import { validatePod } from './validate-pod.ts'

const podSchema = kindSchema(
  'io.k8s.api.core.v1.Pod',
  {
    spec: field(2, PodSpec, { required: true, default: {} }),
    status: field(3, PodStatus),
  },
  'Containers that run together on one node and share an address and volumes.',
)
export type Pod = Static<typeof podSchema>

export const Pod = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  schema: podSchema,
  hasStatus: true,
  hasGeneration: true,
  deleteReturnsObject: true,
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIP ?? '',
    'status.podIPs': (pod) => (pod.status?.podIPs ?? []).map((podIp) => podIp.ip).join(','),
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  applyDefaults: (pod) => applyPodDefaults(pod.spec),
  prepare: preparePod,
  validate: validatePod,
})

/** A new pod waits, whatever its maker says of it. */
function preparePod(pod: Pod, before?: Pod): void {
  if (before === undefined) pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec) }
}
