/** Whether a proxy's rules are current, and whether its node wants traffic. Clock as argument, no sockets. */
import type { Node } from '#api/node.ts'
import type { IpFamily } from '#lib/ip.ts'
import type { ProxyObserver } from './start-proxy.ts'

/** A change that waits longer than this to be in the kernel is a proxy that does not work. */
const healthTimeoutMs = 60_000
/** Put on a node by the cluster autoscaler. */
const deletionTaint = 'ToBeDeletedByClusterAutoscaler'

export interface HealthReport {
  readonly healthy: boolean
  readonly body: string
}

export class ProxyHealth implements ProxyObserver {
  readonly #family: IpFamily
  readonly #now: () => number
  readonly #beside: readonly ProxyHealth[]
  #updatedAt = 0
  /** Since when a change waits; 0: none does. */
  #waitingSince = 0
  /** Since when one waits that came while others are being written; 0: none does. */
  #behindSince = 0
  #isWriting = false
  #isEligible = true

  /** @param beside the node's proxies of other families: the node is well when all are */
  constructor(family: IpFamily, now: () => number, beside: readonly ProxyHealth[] = []) {
    this.#family = family
    this.#now = now
    this.#beside = beside
  }

  queued(): void {
    if (this.#isWriting) this.#behindSince ||= this.#now()
    else this.#waitingSince ||= this.#now()
  }

  collecting(): void {
    this.#isWriting = true
  }

  synced(): void {
    this.#updatedAt = this.#now()
    this.unchanged()
  }

  unchanged(): void {
    this.#isWriting = false
    this.#waitingSince = this.#behindSince
    this.#behindSince = 0
  }

  /** Also where nothing was asked for, as after somebody's damage: the rules are not what they should be. */
  failed(): void {
    this.#isWriting = false
    this.#waitingSince ||= this.#behindSince || this.#now()
    this.#behindSince = 0
  }

  nodeChanged(node: Node | undefined): void {
    this.#isEligible =
      node !== undefined &&
      node.metadata.deletionTimestamp === undefined &&
      !node.spec?.taints?.some(({ key }) => key === deletionTaint)
  }

  /** Rules alone: a proxy that never had to write anything is well. */
  get isWorking(): boolean {
    return this.#isCurrent && this.#beside.every((other) => other.isWorking)
  }

  get #isCurrent(): boolean {
    return this.#waitingSince === 0 || this.#now() - this.#waitingSince < healthTimeoutMs
  }

  get #lastUpdated(): string {
    return new Date(this.#updatedAt || this.#now()).toISOString()
  }

  healthz(): HealthReport {
    return this.#report(this.isWorking && this.#isEligible, { nodeEligible: this.#isEligible })
  }

  livez(): HealthReport {
    return this.#report(this.isWorking, {})
  }

  #report(healthy: boolean, more: { readonly nodeEligible?: boolean }): HealthReport {
    const lastUpdated = this.#lastUpdated
    const currentTime = new Date(this.#now()).toISOString()
    const all: readonly ProxyHealth[] = [this, ...this.#beside]
    const status = Object.fromEntries(
      all.map((one) => [one.#family, { lastUpdated: one.#lastUpdated, healthy: one.#isCurrent }]),
    )
    return { healthy, body: JSON.stringify({ lastUpdated, currentTime, ...more, healthy, status }) }
  }
}
