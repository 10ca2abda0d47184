import { DeleteOptions, kindSchema } from './meta-schema.ts'
import { pointer, type Static } from './schema.ts'

export const Eviction = kindSchema('io.k8s.api.policy.v1.Eviction', {
  deleteOptions: pointer(2, DeleteOptions),
})
export type Eviction = Static<typeof Eviction>
