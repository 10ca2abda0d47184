import { array, field, map, object, quantity, string, type Static } from './schema.ts'

export const ResourceClaim = object('io.k8s.api.core.v1.ResourceClaim', {
  name: field(1, string(), { required: true }),
  request: field(2, string()),
})
export type ResourceClaim = Static<typeof ResourceClaim>

export const ResourceRequirements = object('io.k8s.api.core.v1.ResourceRequirements', {
  limits: field(1, map(quantity())),
  requests: field(2, map(quantity())),
  claims: field(3, array(ResourceClaim, { listType: 'map', listMapKeys: ['name'] })),
})
export type ResourceRequirements = Static<typeof ResourceRequirements>

export const VolumeResourceRequirements = object('io.k8s.api.core.v1.VolumeResourceRequirements', {
  limits: field(1, map(quantity())),
  requests: field(2, map(quantity())),
})
export type VolumeResourceRequirements = Static<typeof VolumeResourceRequirements>

export const ContainerResizePolicy = object('io.k8s.api.core.v1.ContainerResizePolicy', {
  resourceName: field(1, string(), { required: true }),
  restartPolicy: field(2, string(), { required: true }),
})
export type ContainerResizePolicy = Static<typeof ContainerResizePolicy>
