/** The pod addresses of one node. A freed one comes round again only after all others. */
import { readFileSync, writeFileSync } from 'node:fs'
import { nthAddress, parseCidr } from '#lib/ip.ts'

export interface PodAddresses {
  /** Throws when every address is taken. */
  allocate(): string
  /** Marks an address that a pod has already. */
  adopt(address: string): void
  release(address: string): void
}

/** `cursorFile` remembers where to go on, so that a new agent does not begin at the front again. */
export function openPodAddresses(podCidr: string, cursorFile: string): PodAddresses {
  const cidr = parseCidr(podCidr)!
  // Not the network address, not the first (which many expect to be a gateway), not the broadcast address.
  const first = 2
  const last = 2 ** (32 - cidr.prefixLength) - 2
  const taken = new Set<string>()
  let next = readCursor(cursorFile) ?? first
  return {
    allocate: () => {
      for (let tries = first; tries <= last; tries++) {
        if (next > last) next = first
        const address = nthAddress(cidr, next++)
        if (taken.has(address)) continue
        taken.add(address)
        writeFileSync(cursorFile, String(next))
        return address
      }
      throw new Error(`Cannot give the pod an address: all of ${podCidr} are taken`)
    },
    adopt: (address) => void taken.add(address),
    release: (address) => void taken.delete(address),
  }
}

function readCursor(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    return undefined
  }
}
