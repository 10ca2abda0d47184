import { kindSchema } from './meta-schema.ts'
import { field, int32, object, string, type Static } from './schema.ts'

export const ScaleSpec = object('io.k8s.api.autoscaling.v1.ScaleSpec', {
  replicas: field(1, int32()),
})
export type ScaleSpec = Static<typeof ScaleSpec>

export const ScaleStatus = object('io.k8s.api.autoscaling.v1.ScaleStatus', {
  replicas: field(1, int32(), { required: true }),
  selector: field(2, string()),
})
export type ScaleStatus = Static<typeof ScaleStatus>

export const Scale = kindSchema('io.k8s.api.autoscaling.v1.Scale', {
  spec: field(2, ScaleSpec, { required: true, default: {} }),
  status: field(3, ScaleStatus),
})
export type Scale = Static<typeof Scale>
