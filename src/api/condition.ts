import { field, int64, object, oneOf, string, time, type Static } from './schema.ts'

export const Condition = object('io.k8s.apimachinery.pkg.apis.meta.v1.Condition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  observedGeneration: field(3, int64()),
  lastTransitionTime: field(4, time(), { required: true }),
  reason: field(5, string(), { required: true }),
  message: field(6, string(), { required: true }),
})
export type Condition = Static<typeof Condition>
