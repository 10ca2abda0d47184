import type { Finding } from './kind.ts'
import type { ObjectMeta } from './meta.ts'

export interface ObjectMetaRules {
  readonly namespaced: boolean
  readonly before?: ObjectMeta | undefined
}

/** What every kind demands of its metadata. */
export function validateObjectMeta(metadata: ObjectMeta, rules: ObjectMetaRules): Finding[] {
  return metadata.name === ''
    ? [
        {
          field: 'metadata.name',
          reason: 'FieldValueRequired',
          message: 'Required value: name or generateName is required',
        },
      ]
    : []
}
