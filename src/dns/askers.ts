/** Who asks, by source address: a pod, with the way its resolver searches and what it has asked so far. */
import type { Pod } from '#api/pod.ts'
import type { ChangeHandler } from '#client/contract.ts'
import { formatIp, parseIp } from '#lib/ip.ts'
import { newCounts, type QueryCounts } from './query-counts.ts'
import type { SearchPath } from './search-path.ts'
import { selectSearchPath, type SearchPathContext } from './select-search-path.ts'

export interface Asker {
  /** Both empty for the asker that stands for everybody who is no pod. */
  readonly namespace: string
  readonly pod: string
  readonly path: SearchPath | undefined
  readonly counts: QueryCounts
}

interface Held {
  readonly asker: Asker
  readonly uid: string | undefined
}

export interface AskersOptions extends Omit<SearchPathContext, 'hostSearches'> {
  readonly hostSearches: () => readonly string[]
  /** Otherwise nobody has a path. */
  readonly endsSearches: boolean
}

export class Askers {
  /** Nodes, the host, pods of the host network: their addresses belong to many. */
  readonly nobody: Asker = { namespace: '', pod: '', path: undefined, counts: newCounts() }
  readonly #options: AskersOptions
  readonly #byKey = new Map<number, Held>()
  readonly #byAddress = new Map<string, Held>()
  /** Equal paths are one value, so that they can be compared by identity. */
  readonly #paths = new Map<string, SearchPath>()

  constructor(options: AskersOptions) {
    this.#options = options
  }

  apply({ before, after }: Parameters<ChangeHandler<Pod>>[0]): void {
    const addresses = after ? ownAddresses(after) : []
    const former = before ? ownAddresses(before) : []
    for (const address of former) {
      // another pod may have the address by now
      if (!addresses.includes(address) && this.#byAddress.get(address)?.uid === before!.metadata.uid) {
        this.#delete(address)
      }
    }
    for (const address of addresses) {
      if (this.#byAddress.get(address)?.uid !== after!.metadata.uid || !former.includes(address)) {
        this.#set(address, { uid: after!.metadata.uid, asker: this.#newAsker(after!) })
      }
    }
  }

  /** `key`: an IPv4 address as the kernel has it in memory, see `DatagramBatch.ipv4KeyOf`. */
  byKey(key: number): Asker {
    return this.#byKey.get(key)?.asker ?? this.nobody
  }

  byAddress(address: string): Asker {
    return this.#byAddress.get(address)?.asker ?? this.nobody
  }

  list(): Asker[] {
    return [...new Set([...this.#byAddress.values()].map(({ asker }) => asker))]
  }

  #newAsker(pod: Pod): Asker {
    const { endsSearches, clusterDomain, hostSearches } = this.#options
    const path = endsSearches ? selectSearchPath(pod, { clusterDomain, hostSearches: hostSearches() }) : undefined
    return {
      namespace: pod.metadata.namespace ?? '',
      pod: pod.metadata.name,
      path: path && this.#shared(path),
      counts: newCounts(),
    }
  }

  #shared(path: SearchPath): SearchPath {
    const text = `${path.ndots} ${path.domains.join(' ')}`
    const known = this.#paths.get(text)
    if (known) return known
    if (this.#paths.size > 10_000) this.#paths.clear()
    this.#paths.set(text, path)
    return path
  }

  #set(address: string, held: Held): void {
    this.#byAddress.set(address, held)
    const key = keyOf(address)
    if (key !== undefined) this.#byKey.set(key, held)
  }

  #delete(address: string): void {
    this.#byAddress.delete(address)
    const key = keyOf(address)
    if (key !== undefined) this.#byKey.delete(key)
  }
}

function ownAddresses({ spec, status }: Pod): string[] {
  if (spec.hostNetwork || status?.phase === 'Succeeded' || status?.phase === 'Failed') return []
  const addresses = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP]
  return addresses.flatMap((text) => (text && parseIp(text)) || []).map(formatIp)
}

function keyOf(address: string): number | undefined {
  const parsed = parseIp(address)
  if (parsed?.family !== 'IPv4') return undefined
  const [a = 0, b = 0, c = 0, d = 0] = parsed.bytes
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}
