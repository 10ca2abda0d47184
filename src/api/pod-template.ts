import { TemplateMeta } from './meta-schema.ts'
import { PodSpec } from './pod-spec.ts'
import { field, object, type Static } from './schema.ts'

export const PodTemplateSpec = object('io.k8s.api.core.v1.PodTemplateSpec', {
  metadata: field(1, TemplateMeta),
  spec: field(2, PodSpec, { required: true, default: {} }),
})
export type PodTemplateSpec = Static<typeof PodTemplateSpec>
