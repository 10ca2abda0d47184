/**
 * Addresses that are to move to a node whose proxy has not confirmed its endpoints yet. They stay where connections are
 * still answered until it has, for a moment at most. See docs/decisions/0010-pods-stop-after-their-routes.md.
 */
import { committedVersion, isLeaseAlive, nodeLeaseNamespace, sliceVersion } from '#api/committed-routes.ts'
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import type { Lease } from '#api/lease.ts'
import type { Lister } from '#client/contract.ts'
import { isDraining, isReady } from './plan-targets.ts'

/** Half of the time for which pods wait for whoever sends them connections. */
const patienceMs = 1_000

export interface Move {
  readonly slices: readonly EndpointSlice[]
  /** Names of nodes. */
  readonly from: string | undefined
  readonly to: string
}

export class AwaitedRoutes {
  readonly #leases: Lister<Lease>
  readonly #nowMs: () => number
  /** Since when, by address. */
  readonly #waiting = new Map<string, number>()

  constructor(leases: Lister<Lease>, nowMs: () => number) {
    this.#leases = leases
    this.#nowMs = nowMs
  }

  get ips(): readonly string[] {
    return [...this.#waiting.keys()]
  }

  /** When to ask again although nobody has confirmed; undefined when nothing waits. */
  get untilMs(): number | undefined {
    return this.#waiting.size === 0 ? undefined : Math.min(...this.#waiting.values()) + patienceMs
  }

  /** Whether the address must stay where it is; asked again and again until it is not so. */
  mustStay(ip: string, move: Move | undefined): boolean {
    if (!move || !isAnswered(move) || this.#isConfirmed(move)) return this.#moves(ip)
    const nowMs = this.#nowMs()
    const sinceMs = this.#waiting.get(ip) ?? nowMs
    this.#waiting.set(ip, sinceMs)
    return sinceMs + patienceMs > nowMs || this.#moves(ip)
  }

  #moves(ip: string): false {
    this.#waiting.delete(ip)
    return false
  }

  /** Nodes without a Lease that speaks for their routes are not waited for, nor those that are gone. */
  #isConfirmed({ slices, to }: Move): boolean {
    const lease = this.#leases.get({ namespace: nodeLeaseNamespace, name: to })
    const version = lease && committedVersion(lease)
    if (version === undefined || !isLeaseAlive(lease!, this.#nowMs())) return true
    return version >= Math.max(0, ...slices.filter((slice) => hasAt(slice, to, isReady)).map(sliceVersion))
  }
}

/**
 * Pods are on their way out where the address leads now, and answer: proxies confirm slices only then. In all other cases
 * nobody is served by waiting.
 */
const isAnswered = ({ slices, from }: Move): boolean =>
  from !== undefined && slices.some((slice) => hasAt(slice, from, isDraining))

const hasAt = ({ endpoints = [] }: EndpointSlice, node: string, isWanted: (endpoint: Endpoint) => boolean): boolean =>
  endpoints.some((endpoint) => endpoint.nodeName === node && isWanted(endpoint))
