/** What one EndpointSlice adds to the names of its Service: read when first asked for, and good for as long as the slice. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { formatIp, parseIp } from '#lib/ip.ts'
import type { RecordData } from './message.ts'

export type AddressRecord = Extract<RecordData, { readonly type: 'A' | 'AAAA' }>

/** One address of an endpoint that is ready. */
interface ReadyAddress {
  readonly label: string
  readonly record: AddressRecord
}

interface SlicePort {
  readonly name: string | undefined
  readonly protocol: string | undefined
  readonly port: number
}

export class SliceEndpoints {
  readonly slice: EndpointSlice
  #ready: readonly ReadyAddress[] | undefined
  #byLabel: ReadonlyMap<string, readonly ReadyAddress[]> | undefined

  constructor(slice: EndpointSlice) {
    this.slice = slice
  }

  get ports(): readonly SlicePort[] {
    return (this.slice.ports ?? []).flatMap(({ name, protocol, port }) =>
      port === undefined ? [] : { name, protocol, port },
    )
  }

  get ready(): readonly ReadyAddress[] {
    return (this.#ready ??= readyAddresses(this.slice))
  }

  labelled(label: string): readonly ReadyAddress[] {
    this.#byLabel ??= Map.groupBy(this.ready, (address) => address.label)
    return this.#byLabel.get(label) ?? none
  }
}

const none: readonly ReadyAddress[] = []

function readyAddresses({ addressType, endpoints = [] }: EndpointSlice): readonly ReadyAddress[] {
  if (addressType === 'FQDN') return none
  return endpoints
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) =>
      addresses.flatMap((text) => {
        const address = parseIp(text)
        if (!address) return []
        const record = addressRecord(address.family, formatIp(address))
        return { label: hostname || dashedLabel(record.address), record }
      }),
    )
}

export const addressRecord = (family: 'IPv4' | 'IPv6', address: string): AddressRecord => ({
  type: family === 'IPv4' ? 'A' : 'AAAA',
  address,
})

/** `172-17-0-3`; `2001-db8--3`; a label may not end with a dash, so `fd00::` is `fd00--0`. */
function dashedLabel(ip: string): string {
  const dashed = ip.replace(/[.:]/g, '-')
  return dashed.endsWith('-') ? `${dashed}0` : dashed
}
