/** Queue keys: `namespace/name`, or `name` for cluster-scoped objects. Pure. */
import type { KubeObject } from '#api/meta.ts'
import type { ObjectRef } from '#client/contract.ts'
import { keyOf as keyOfRef } from '#client/informer-cache.ts'

export { parseKey } from '#client/informer-cache.ts'

export function keyOf(object: Pick<KubeObject, 'metadata'>): string {
  return keyOfRef(object.metadata)
}

export function refOf(object: Pick<KubeObject, 'metadata'>): ObjectRef {
  const { namespace, name } = object.metadata
  return namespace === undefined ? { name } : { namespace, name }
}
