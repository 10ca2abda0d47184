/**
 * Names for the endpoints of one zone, below a headless Service: `ZONE.pin._zone` has only those, and no data when there
 * are none; `ZONE.prefer._zone` has all of the Service's then. Both also behind `_port._protocol.`.
 */
import type { RecordData } from './message.ts'
import type { ServiceNames } from './service-names.ts'

const pattern = /^(?:(_[^.]+\._[^.]+)\.)?(.+)\.(pin|prefer)\._zone$/

/** `names` are those of the Service; `below` ends in `_zone` and is lower case. Undefined: no such name. */
export function zonalRecords(names: ServiceNames, below: string): readonly RecordData[] | undefined {
  // what is above a name exists too (RFC 8020)
  if (/^(?:(?:pin|prefer)\.)?_zone$/.test(below)) return []
  const [, port = '', zone, mode] = pattern.exec(below) ?? []
  if (zone === undefined) return undefined
  if (port !== '' && !names.recordsOf(port)) return undefined
  const near = names.within(zone)
  // whether the zone has endpoints is asked of the Service, not of one of its ports
  if (mode === 'prefer' && !near.recordsOf('')) return names.recordsOf(port) ?? []
  return near.recordsOf(port) ?? []
}
