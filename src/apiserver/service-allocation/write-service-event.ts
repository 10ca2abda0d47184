/** Events that the server itself writes about a Service. A repeat raises the count of the one that is there. */
import { randomUUID } from 'node:crypto'
import { Event } from '#api/event.ts'
import type { Kind } from '#api/kind.ts'
import type { Service } from '#api/service.ts'
import type { UserInfo } from '#api/wire.ts'
import { createObject } from '../write/create-object.ts'
import { timestamp } from '../write/object-metadata.ts'
import { updateObject } from '../write/update-object.ts'
import type { WriteDeps } from '../write/write.ts'

const user: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] }
const kind = Event as unknown as Kind
const component = 'portallocator-repair-controller'

export async function writeServiceEvent(deps: WriteDeps, service: Service, reason: string, message: string) {
  const { namespace = 'default', name, uid = '', resourceVersion } = service.metadata
  const now = timestamp(deps.clock.nowMs())
  const common = { kind, namespace, user, dryRun: false, warn: () => {} }
  const known = deps.objects
    .list(kind, namespace)
    .map(({ object }) => object as Event)
    .find((event) => event.involvedObject.uid === uid && event.reason === reason && event.message === message)
  if (known) {
    const change = () => ({ ...known, count: (known.count ?? 1) + 1, lastTimestamp: now })
    await updateObject(deps, { ...common, name: known.metadata.name, change: () => structuredClone(change()) })
    return
  }
  const involvedObject = {
    apiVersion: 'v1',
    kind: 'Service',
    namespace,
    name,
    uid,
    ...(resourceVersion && { resourceVersion }),
  }
  const object: Event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${randomUUID().slice(0, 13).replace('-', '')}`, namespace },
    involvedObject,
    type: 'Warning',
    reason,
    message,
    source: { component },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    reportingComponent: component,
  }
  await createObject(deps, { ...common, object })
}
