/** The Endpoints object of a Service has its name and goes with it. (EndpointSlices go as its dependents.) */
import { Endpoints } from '#api/endpoints.ts'
import type { Kind } from '#api/kind.ts'
import { isNotFound } from '#api/status-error.ts'
import type { UserInfo } from '#api/wire.ts'
import { deleteObject } from '../write/delete-object.ts'
import type { Allocator, WriteDeps } from '../write/write.ts'

const user: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] }
const kind = Endpoints as unknown as Kind

export function removeEndpointsWithService(deps: () => WriteDeps): Allocator {
  return {
    reserve: async () => undefined,
    release: async ({ group, plural }, { metadata: { namespace, name } }) => {
      if (group !== '' || plural !== 'services') return
      if (!deps().objects.get(kind, namespace, name)) return
      try {
        await deleteObject(deps(), { kind, namespace, name, options: { dryRun: false }, user, warn: () => {} })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}
