/** The admission plugin DenyServiceExternalIPs: nobody can draw traffic to addresses that are not theirs. Off by default. */
import type { Service } from '#api/service.ts'
import { forbidden } from '../api-errors.ts'
import type { Admission } from '../write/write.ts'

/** Old addresses may stay, and go; none may come. */
export const denyExternalIps: Admission = ({ kind, operation, subresource, object, before, name }) => {
  if (kind.plural !== 'services' || kind.group !== '' || operation === 'delete' || subresource !== undefined) return
  const former = new Set(externalIps(before as Service | undefined))
  if (externalIps(object as Service).every((ip) => former.has(ip))) return
  throw forbidden(kind, name, 'Use of external IPs is denied by admission control')
}

const externalIps = (service: Service | undefined): readonly string[] => service?.spec?.externalIPs ?? []
