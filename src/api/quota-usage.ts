/** What an object of any kind uses of what a ResourceQuota can limit. Names are those of `spec.hard`. */
import { type Kind, resourceName } from './kind.ts'
import type { KubeObject } from './meta.ts'
import type { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import type { Pod } from './pod.ts'
import { countOf, parseQuantity, type Quantity } from './quantity.ts'
import { isPodResource, podUsage, type Usage } from './quota-pod-usage.ts'
import type { Service } from './service.ts'
import { mayHaveNodePorts, needsNodePorts } from './service-rules.ts'

export type { Usage } from './quota-pod-usage.ts'

type Named = Pick<Kind, 'group' | 'plural'>

const one = countOf(1)
/** Kinds that had a name of their own before `count/…` was for all. */
const ownNames = new Set(['configmaps', 'replicationcontrollers', 'resourcequotas', 'secrets'])
const serviceNames = new Set(['services', 'services.nodeports', 'services.loadbalancers'])
const claimNames = ['persistentvolumeclaims', 'requests.storage'] as const
const byStorageClass = '.storageclass.storage.k8s.io/'

/** Events come and go too often to be counted. */
export function isCounted({ group, plural, namespaced }: Pick<Kind, 'group' | 'plural' | 'namespaced'>): boolean {
  return namespaced && !(group === '' && plural === 'events')
}

/** Whether more than the number of objects is counted, so that an update can change what is used. */
export function isMeasured({ group, plural }: Named): boolean {
  return group === '' && (plural === 'pods' || plural === 'services' || plural === 'persistentvolumeclaims')
}

export function usageOf(kind: Named, object: KubeObject, nowMs: number): Usage {
  return new Map([[countName(kind), one], ...ownUsage(kind, object, nowMs)])
}

/** Whether objects of this kind can use what has this name. */
export function canUse(kind: Named, name: string): boolean {
  if (name === countName(kind)) return true
  if (kind.group !== '') return false
  switch (kind.plural) {
    case 'pods':
      return isPodResource(name)
    case 'services':
      return serviceNames.has(name)
    case 'persistentvolumeclaims':
      return claimNames.some((own) => name === own || name.endsWith(byStorageClass + own))
    default:
      return name === kind.plural && ownNames.has(name)
  }
}

const countName = (kind: Named): string => `count/${resourceName(kind)}`

function ownUsage({ group, plural }: Named, object: KubeObject, nowMs: number): Iterable<readonly [string, Quantity]> {
  if (group !== '') return []
  switch (plural) {
    case 'pods':
      return podUsage(object as Pod, nowMs)
    case 'services':
      return serviceUsage(object as Service)
    case 'persistentvolumeclaims':
      return claimUsage(object as PersistentVolumeClaim)
    default:
      return ownNames.has(plural) ? [[plural, one]] : []
  }
}

/** Ports that will get a node port count before they have one. */
function serviceUsage({ spec }: Service): [string, Quantity][] {
  const ports = mayHaveNodePorts(spec) ? (spec.ports ?? []) : []
  const nodePorts = needsNodePorts(spec) ? ports : ports.filter(({ nodePort }) => nodePort)
  return [
    ['services', one],
    ['services.nodeports', countOf(nodePorts.length)],
    ['services.loadbalancers', countOf(spec.type === 'LoadBalancer' ? 1 : 0)],
  ]
}

/** Storage counts in whole bytes: the larger of what is asked for and what is allocated. */
function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): [string, Quantity][] {
  const asked = spec?.resources?.requests?.['storage']
  const allocated = status?.allocatedResources?.['storage']
  const amounts = (asked === undefined ? [] : [asked, allocated ?? asked]).map(parseQuantity)
  const storage = amounts.reduce<Quantity | undefined>((a, b) => (a && a.nanos >= b.nanos ? a : b), undefined)
  const own: [string, Quantity][] = [
    ['persistentvolumeclaims', one],
    ...(storage ? [['requests.storage', wholeBytes(storage)] as [string, Quantity]] : []),
  ]
  const storageClass =
    metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] || (spec?.storageClassName ?? '')
  if (storageClass === '') return own
  return [...own, ...own.map(([name, amount]): [string, Quantity] => [storageClass + byStorageClass + name, amount])]
}

function wholeBytes({ nanos, form }: Quantity): Quantity {
  const billion = 1_000_000_000n
  return { nanos: ((nanos + billion - 1n) / billion) * billion, form }
}
