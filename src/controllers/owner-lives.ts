/** Asks the server, not a cache, whether an object is still the same and not being deleted. */
import type { KubeObject } from '#api/meta.ts'
import { isNotFound } from '#api/status-error.ts'
import type { ResourceClient } from '#client/contract.ts'
import { refOf } from './object-key.ts'

export async function isStillAlive<T extends KubeObject>(requests: ResourceClient<T>, object: T): Promise<boolean> {
  try {
    const { metadata } = await requests.get(refOf(object))
    return metadata.uid === object.metadata.uid && !metadata.deletionTimestamp
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
