/** Name, labels and owner of the slices of a Service. Pure. */
import { headlessLabel } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { SliceIdentity } from './plan-slices.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const controllerName = 'endpointslice-controller.k8s.io'

export function sliceIdentity(service: Service, triggerTime: string | undefined): SliceIdentity {
  const { namespace = '', name, uid = '' } = service.metadata
  return {
    namespace,
    generateName: `${name}-`,
    labels: sliceLabels(service),
    ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    ...(triggerTime && { triggerTime }),
  }
}

function sliceLabels(service: Service): Record<string, string> {
  const { [headlessLabel]: _headless, ...labels } = service.metadata.labels ?? {}
  return {
    ...labels,
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: controllerName,
    ...(isHeadless(service) && { [headlessLabel]: '' }),
  }
}

export function isHeadless(service: Service): boolean {
  const { clusterIP } = service.spec
  return clusterIP === undefined || clusterIP === '' || clusterIP === 'None'
}
