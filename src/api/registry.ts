/** Every kind that is served, and how to find one. A new kind is one file and one line here. */
import { ConfigMap } from './config-map.ts'
import { ControllerRevision } from './controller-revision.ts'
import { CronJob } from './cron-job.ts'
import { DaemonSet } from './daemon-set.ts'
import { Deployment } from './deployment.ts'
import { EndpointSlice } from './endpoint-slice.ts'
import { Endpoints } from './endpoints.ts'
import { Event } from './event.ts'
import { IPAddress } from './ip-address.ts'
import { Job } from './job.ts'
import { apiVersionOf, type Kind } from './kind.ts'
import { Lease } from './lease.ts'
import { LimitRange } from './limit-range.ts'
import { Namespace } from './namespace.ts'
import { NetworkPolicy } from './network-policy.ts'
import { Node } from './node.ts'
import { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import { PersistentVolume } from './persistent-volume.ts'
import { PodDisruptionBudget } from './pod-disruption-budget.ts'
import { PodTemplate } from './pod-template-resource.ts'
import { Pod } from './pod.ts'
import { PriorityClass } from './priority-class.ts'
import { ReplicaSet } from './replica-set.ts'
import { ReplicationController } from './replication-controller.ts'
import { ResourceQuota } from './resource-quota.ts'
import { Secret } from './secret.ts'
import { ServiceAccount } from './service-account.ts'
import { ServiceCIDR } from './service-cidr.ts'
import { Service } from './service.ts'
import { StatefulSet } from './stateful-set.ts'
import { StorageClass } from './storage-class.ts'

/** Group by group, in the order in which discovery prefers them. */
export const kinds: readonly Kind[] = [
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Namespace,
  Node,
  PersistentVolumeClaim,
  PersistentVolume,
  Pod,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  ServiceAccount,
  Service,
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
  CronJob,
  Job,
  Lease,
  EndpointSlice,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
  PodDisruptionBudget,
  PriorityClass,
  StorageClass,
] as unknown as readonly Kind[]

const byPlural = new Map(kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
const byKind = new Map(kinds.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, kind]))

/** The kind behind a URL: `findKindByPlural('apps', 'v1', 'deployments')`. The core group is `''`. */
export function findKindByPlural(group: string, version: string, plural: string): Kind | undefined {
  return byPlural.get(`${group}/${version}/${plural}`)
}

/** The kind that an object says it is: `findKind('apps/v1', 'Deployment')`. */
export function findKind(apiVersion: string, kind: string): Kind | undefined {
  return byKind.get(`${apiVersion}/${kind}`)
}
