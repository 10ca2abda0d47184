/**
 * Names for the endpoints of one zone, below a headless Service: `ZONE.pin._zone` has only those, and no data when there
 * are none; `ZONE.prefer._zone` has all of the Service's then. Both also behind `_port._protocol.`.
 */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'
import type { RecordData } from './message.ts'
import { renderServiceNames } from './render-service-names.ts'

const pattern = /^(?:(_[^.]+\._[^.]+)\.)?(.+)\.(pin|prefer)\._zone$/

/** `below` ends in `_zone` and is lower case. Undefined: no such name. */
export function zonalRecords(
  fullName: string,
  service: Service,
  slices: readonly EndpointSlice[],
  below: string,
): readonly RecordData[] | undefined {
  // what is above a name exists too (RFC 8020)
  if (/^(?:(?:pin|prefer)\.)?_zone$/.test(below)) return []
  const [, port = '', zone, mode] = pattern.exec(below) ?? []
  if (zone === undefined) return undefined
  const all = renderServiceNames(fullName, service, slices).names
  if (port !== '' && !all.has(port)) return undefined
  const near = renderServiceNames(
    fullName,
    service,
    slices.map((slice) => within(zone, slice)),
  ).names
  // whether the zone has endpoints is asked of the Service, not of one of its ports
  if (mode === 'prefer' && !near.has('')) return all.get(port) ?? []
  return near.get(port) ?? []
}

function within(zone: string, slice: EndpointSlice): EndpointSlice {
  return { ...slice, endpoints: (slice.endpoints ?? []).filter((endpoint) => endpoint.zone?.toLowerCase() === zone) }
}
