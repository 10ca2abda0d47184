/** The annotation `service.kubernetes.io/topology-mode: Auto`, applied to the endpoints of one family. Pure. */
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import { remember } from '../remember.ts'
import { assignZones } from './assign-zones.ts'
import type { DesiredEndpoints } from './desired-endpoints.ts'
import { endpointKey } from './endpoint-key.ts'
import type { ZoneShares } from './zone-shares.ts'

const annotation = 'service.kubernetes.io/topology-mode'
/** Deprecated; the older one wins where both are set. */
const oldAnnotation = 'service.kubernetes.io/topology-aware-hints'

export function wantsZoneHints({ metadata: { annotations = {} } }: Service): boolean {
  const mode = annotations[oldAnnotation] ?? annotations[annotation]
  return mode === 'Auto' || mode === 'auto'
}

export interface HintedEndpoints {
  readonly desired: DesiredEndpoints
  /** Why there are no hints. */
  readonly problem?: string
}

/** @param existing slices of the Service, for the zones that endpoints serve already */
export function withZoneHints(
  desired: DesiredEndpoints,
  shares: ZoneShares,
  existing: readonly EndpointSlice[],
): HintedEndpoints {
  const former = formerZones(existing.filter(({ addressType }) => addressType === desired.family))
  const ready = [...desired.groups.values()].flatMap(({ endpoints }) => endpoints.filter(isReady))
  const { zones, problem } = assignZones(
    ready.map((endpoint) => {
      const key = endpointKey(endpoint)
      const zone = former.get(key)
      return { key, zone: endpoint.zone, ...(zone !== undefined && { former: zone }) }
    }),
    shares,
  )
  if (!zones) return { desired, ...(problem !== undefined && { problem }) }
  const hint = (endpoint: Endpoint) => {
    const zone = isReady(endpoint) ? zones.get(endpointKey(endpoint)) : undefined
    return zone === undefined ? endpoint : hinted(endpoint, zone)
  }
  const groups = [...desired.groups].map(
    ([key, group]) => [key, { ...group, endpoints: group.endpoints.map(hint) }] as const,
  )
  return { desired: { ...desired, groups: new Map(groups) } }
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready === true

function formerZones(slices: readonly EndpointSlice[]): Map<string, string> {
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? [])
  return new Map(
    endpoints.flatMap((endpoint) => {
      const zone = endpoint.hints?.forZones?.[0]?.name
      return zone === undefined ? [] : [[endpointKey(endpoint), zone] as const]
    }),
  )
}

const hintedByZone = remember((_endpoint: Endpoint) => new Map<string, Endpoint>())

/** The same object for the same hint, which is how unchanged endpoints are known without comparing them. */
function hinted(endpoint: Endpoint, zone: string): Endpoint {
  const made = hintedByZone(endpoint)
  let result = made.get(zone)
  if (!result) made.set(zone, (result = { ...endpoint, hints: { forZones: [{ name: zone }] } }))
  return result
}
