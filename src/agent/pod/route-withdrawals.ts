/**
 * Knows whether a node still sends new connections to a pod that is being deleted: the EndpointSlices must say that it
 * terminates, and every node's proxy that its kernel has that version (`#api/committed-routes.ts`).
 */
import {
  type CommittedAnnotation,
  committedAnnotation,
  committedVersion,
  isLeaseAlive,
  listedPods,
  namesAnnotation,
  nodeLeaseNamespace,
  sliceVersion,
} from '#api/committed-routes.ts'
import { EndpointSlice, headlessLabel } from '#api/endpoint-slice.ts'
import type { Kind } from '#api/kind.ts'
import { Lease } from '#api/lease.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Informer, Lister } from '#client/contract.ts'

/** Slices that somebody makes by hand are not changed when a pod ends: no use waiting for them. */
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const controllerName = 'endpointslice-controller.k8s.io'

export interface WithdrawalSources {
  readonly informers: { of<T extends KubeObject>(kind: Kind<T>): Informer<T> }
  readonly nodeName: string
  readonly nowMs: () => number
}

/** Who still holds a pod up. */
export type Holder = { readonly type: 'slices' } | { readonly type: 'node'; readonly name: string }

const slices: Holder = { type: 'slices' }

export interface Patience {
  /** While slices offer the pod, and for all together. */
  readonly totalMs: number
  /** For nodes, once slices say that the pod terminates; and for a first slice that may never come. */
  readonly confirmationMs: number
}

/** By slice, what it says of a pod. */
type Listing = Map<string, Listed>

interface Listed {
  /** In which the pod began to leave; undefined while it is offered to clients. */
  readonly version: number | undefined
  /** Names lead to the pod as well. */
  readonly isHeadless: boolean
}

export class RouteWithdrawals {
  readonly synced: Promise<void>
  readonly #nodeName: string
  readonly #nowMs: () => number
  readonly #leases: Lister<Lease>
  readonly #pods = new Set<string>()
  readonly #listings = new Map<string, Listing>()
  /** Those that a slice has named at some time. */
  readonly #everListed = new Set<string>()
  readonly #waiting = new Set<() => void>()
  /** Nodes that let somebody wait in vain, and what they had told until then: nobody waits for them again until more comes. */
  readonly #silent = new Map<string, number>()

  constructor({ informers, nodeName, nowMs }: WithdrawalSources) {
    this.#nodeName = nodeName
    this.#nowMs = nowMs
    const endpointSlices = informers.of(EndpointSlice)
    const leases = informers.of(Lease)
    this.#leases = leases
    endpointSlices.onChange(({ before, after }) => this.#sliceChanged(before, after))
    leases.onChange(({ after }) => after?.metadata.namespace === nodeLeaseNamespace && this.#wake())
    this.synced = Promise.all([endpointSlices.synced, leases.synced]).then(() => {})
  }

  /** From its creation to its end, or listings of pods that are gone would be kept. */
  track(uid: string): void {
    this.#pods.add(uid)
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
    this.#listings.delete(uid)
    this.#everListed.delete(uid)
  }

  /**
   * Resolves when no node sends new connections to the pod, or when patience is over: then with those who did not answer.
   * `isOffered`: it is ready and some Service selects it, so a slice that was never seen is on its way.
   */
  async untilWithdrawn(
    { uid, isOffered }: { readonly uid: string; readonly isOffered: boolean },
    { totalMs, confirmationMs }: Patience,
    signal: AbortSignal,
  ): Promise<readonly Holder[]> {
    const findHolders = () => (isOffered && !this.#everListed.has(uid) ? [slices] : this.#holders(uid))
    const beganMs = this.#nowMs()
    if (await this.#until(() => !this.#isInUse(uid), totalMs, signal)) {
      const leftMs = Math.max(0, totalMs - (this.#nowMs() - beganMs))
      await this.#until(() => findHolders().length === 0, Math.min(confirmationMs, leftMs), signal)
    }
    if (signal.aborted) return []
    const holders = findHolders()
    for (const holder of holders)
      if (holder.type === 'node') this.#silent.set(holder.name, this.#versionOf(holder.name))
    return holders
  }

  /** @returns whether it came true in time */
  async #until(isTrue: () => boolean, patienceMs: number, signal: AbortSignal): Promise<boolean> {
    if (isTrue()) return true
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => isTrue() && resolve()
    const timer = setTimeout(resolve, patienceMs)
    const onAbort = () => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(look)
    await promise
    this.#waiting.delete(look)
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    return isTrue()
  }

  /** Connections would be lost for certain: slices still say that it takes them. */
  #isInUse(uid: string): boolean {
    return this.#listed(uid).some(({ version }) => version === undefined)
  }

  #holders(uid: string): Holder[] {
    if (this.#isInUse(uid)) return [slices]
    const listed = this.#listed(uid)
    const needed = newestOf(listed)
    const neededNames = newestOf(listed.filter(({ isHeadless }) => isHeadless))
    return this.#leases.list(nodeLeaseNamespace).flatMap((lease): Holder[] => {
      const isBehind = this.#isBehind(lease, committedAnnotation, needed)
      if (!isBehind && !this.#isBehind(lease, namesAnnotation, neededNames)) return []
      return isLeaseAlive(lease, this.#nowMs()) ? [{ type: 'node', name: lease.metadata.name }] : []
    })
  }

  #isBehind(lease: Lease, annotation: CommittedAnnotation, needed: number): boolean {
    const version = committedVersion(lease, annotation)
    return version !== undefined && version < needed && this.#silent.get(lease.metadata.name) !== version
  }

  #listed(uid: string): Listed[] {
    return [...(this.#listings.get(uid)?.values() ?? [])]
  }

  #versionOf(node: string): number {
    const lease = this.#leases.get({ namespace: nodeLeaseNamespace, name: node })
    return (lease && (committedVersion(lease) ?? committedVersion(lease, namesAnnotation))) ?? 0
  }

  #sliceChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    const { metadata } = (after ?? before)!
    if (metadata.labels?.[managedByLabel] !== controllerName || before?.endpoints === after?.endpoints) return
    const key = `${metadata.namespace}/${metadata.name}`
    const isHeadless = metadata.labels[headlessLabel] !== undefined
    const [past, now] = [listedPods(before), listedPods(after)]
    for (const [uid, { terminating, nodeName }] of now) {
      if (nodeName !== this.#nodeName) continue
      if (!terminating) this.#list(uid, key, { version: undefined, isHeadless })
      else if (past.get(uid)?.terminating !== true) this.#list(uid, key, { version: sliceVersion(after!), isHeadless })
    }
    for (const [uid, { terminating, nodeName }] of past) {
      if (nodeName !== this.#nodeName || now.has(uid)) continue
      if (after && !terminating && this.#pods.has(uid))
        this.#list(uid, key, { version: sliceVersion(after), isHeadless })
      else this.#unlist(uid, key)
    }
    this.#wake()
  }

  #list(uid: string, key: string, listed: Listed): void {
    const listing: Listing = this.#listings.get(uid) ?? new Map()
    this.#everListed.add(uid)
    this.#listings.set(uid, listing.set(key, listed))
  }

  #unlist(uid: string, key: string): void {
    const listing = this.#listings.get(uid)
    listing?.delete(key)
    if (listing?.size === 0) this.#listings.delete(uid)
  }

  #wake(): void {
    for (const look of this.#waiting) look()
  }
}

const newestOf = (listed: readonly Listed[]): number => Math.max(0, ...listed.map(({ version }) => version ?? 0))

export function describeHolders(holders: readonly Holder[]): string {
  if (holders.some(({ type }) => type === 'slices')) return 'EndpointSlices still offer it'
  const names = holders.flatMap((holder) => (holder.type === 'node' ? [holder.name] : []))
  return `${names.join(', ')} did not confirm that no connections are sent to it any more`
}
