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
  #updatedAt = 0
  /** Since when a change waits; 0: none does. */
  #waitingSince = 0
  #isEligible = true

  constructor(family: IpFamily, now: () => number) {
    this.#family = family
    this.#now = now
  }

  queued(): void {
    if (this.#waitingSince === 0) this.#waitingSince = this.#now()
  }

  synced(): void {
    this.#updatedAt = this.#now()
    this.#waitingSince = 0
  }

  nodeChanged(node: Node | undefined): void {
    this.#isEligible =
      node !== undefined &&
      node.metadata.deletionTimestamp === undefined &&
      !node.spec?.taints?.some(({ key }) => key === deletionTaint)
  }

  /** Rules alone: a proxy that never had to write anything is well. */
  get isWorking(): boolean {
    return this.#waitingSince === 0 || this.#now() - this.#waitingSince < healthTimeoutMs
  }

  healthz(): HealthReport {
    return this.#report(this.isWorking && this.#isEligible, { nodeEligible: this.#isEligible })
  }

  livez(): HealthReport {
    return this.#report(this.isWorking, {})
  }

  #report(healthy: boolean, more: { readonly nodeEligible?: boolean }): HealthReport {
    const lastUpdated = new Date(this.#updatedAt || this.#now()).toISOString()
    const currentTime = new Date(this.#now()).toISOString()
    const status = { [this.#family]: { lastUpdated, healthy: this.isWorking } }
    return { healthy, body: JSON.stringify({ lastUpdated, currentTime, ...more, healthy, status }) }
  }
}
