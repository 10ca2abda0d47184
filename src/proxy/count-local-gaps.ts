/** Service ports with policy Local that have endpoints, but none on this node: what is dropped here. */
import type { Service } from '#api/service.ts'
import { isExternallyAccessible, type ServicePortRoute } from './backend.ts'

export interface LocalGaps {
  readonly internal: number
  readonly external: number
}

export const noLocalGaps: LocalGaps = { internal: 0, external: 0 }

/** Whether the Service can have any. */
export const usesLocalPolicy = (service: Service | undefined): boolean =>
  service?.spec.internalTrafficPolicy === 'Local' || service?.spec.externalTrafficPolicy === 'Local'

/** `total` with those of `routes` added, `times` so often. */
export function countLocalGaps(total: LocalGaps, routes: readonly ServicePortRoute[], times: 1 | -1): LocalGaps {
  const gaps = routes.filter(({ local, cluster }) => local.length === 0 && cluster.length > 0)
  const internal = gaps.filter(({ internalPolicy }) => internalPolicy === 'Local').length
  const external = gaps.filter((route) => route.externalPolicy === 'Local' && isExternallyAccessible(route)).length
  return { internal: total.internal + times * internal, external: total.external + times * external }
}
