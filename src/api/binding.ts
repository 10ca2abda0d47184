import { kindSchema } from './meta-schema.ts'
import { ObjectReference } from './references.ts'
import { field, type Static } from './schema.ts'

export const Binding = kindSchema('io.k8s.api.core.v1.Binding', {
  target: field(2, ObjectReference, { required: true }),
})
export type Binding = Static<typeof Binding>
