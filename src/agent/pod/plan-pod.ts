/** What to do next for a pod: from what is wanted and what is, without doing anything. */
import type { Container } from '#api/container.ts'
import type { Pod } from '#api/pod.ts'
import { hasExited, isRunning, newRecord, type ContainerRecord, type CrashBackoff } from './container-record.ts'
import { formatDelay, planRestart } from './plan-crash-backoff.ts'

export interface ObservedPod {
  readonly sandboxReady: boolean
  readonly records: ReadonlyMap<string, ContainerRecord>
  /** Whether new connections may still be sent here; only asked once the pod is being deleted. */
  readonly routes: 'open' | 'withdrawing' | 'withdrawn'
  /** Something about the whole pod is under way (sandbox, volumes, removal). */
  readonly busy: boolean
  /** After a failure of such a thing: not before this time. */
  readonly retryAtMs?: number
  /** Init containers are done and not repeated, because the containers have begun. */
  readonly initialized: boolean
  /** When the agent took the pod, for activeDeadlineSeconds. */
  readonly startedAtMs: number
}

export type PodAction =
  | { readonly type: 'createSandbox' }
  | { readonly type: 'startContainer'; readonly name: string; readonly backoff?: CrashBackoff }
  /** Shown instead of starting: it crashed too recently. */
  | { readonly type: 'waitForBackoff'; readonly name: string; readonly delayMs: number }
  /** Comes before any container of a deleted pod is stopped. */
  | { readonly type: 'awaitWithdrawal' }
  | { readonly type: 'stopContainer'; readonly name: string; readonly reason: string }
  | { readonly type: 'failPod'; readonly reason: string; readonly message: string }
  /** The pod has ended for good: its network is not needed any more. */
  | { readonly type: 'releaseSandbox' }
  /** Everything has ended: remove what the pod has here, and the pod from the API when it is being deleted. */
  | { readonly type: 'removePod' }

export interface PodPlan {
  readonly actions: readonly PodAction[]
  /** Look again at this time although nothing may have happened. */
  readonly wakeAtMs?: number
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'
}

export function planPod(pod: Pod, observed: ObservedPod, nowMs: number): PodPlan {
  const planner = new Planner(pod, observed, nowMs)
  planner.run()
  return { actions: planner.actions, ...(planner.wakeAtMs !== undefined && { wakeAtMs: planner.wakeAtMs }) }
}

class Planner {
  readonly actions: PodAction[] = []
  wakeAtMs: number | undefined
  readonly #pod: Pod
  readonly #observed: ObservedPod
  readonly #nowMs: number

  constructor(pod: Pod, observed: ObservedPod, nowMs: number) {
    this.#pod = pod
    this.#observed = observed
    this.#nowMs = nowMs
  }

  run(): void {
    if (this.#observed.busy) return
    if (this.#pod.metadata.deletionTimestamp !== undefined) return this.#delete()
    if (isTerminal(this.#pod)) return this.#stopAll('', this.#observed.sandboxReady ? 'releaseSandbox' : undefined)
    if (this.#pastDeadline()) return
    if (!this.#observed.sandboxReady) return this.#createSandbox()
    this.#stopCondemned()
    if (this.#prepare()) this.#runContainers()
  }

  #delete(): void {
    const { routes, records } = this.#observed
    const mustWait = routes !== 'withdrawn' && [...records.values()].some(isRunning)
    if (!mustWait) return this.#stopAll('', 'removePod')
    if (routes === 'open') this.actions.push({ type: 'awaitWithdrawal' })
  }

  #createSandbox(): void {
    const { retryAtMs } = this.#observed
    if (retryAtMs !== undefined && retryAtMs > this.#nowMs) this.#wake(retryAtMs)
    else this.actions.push({ type: 'createSandbox' })
  }

  #pastDeadline(): boolean {
    const deadline = this.#pod.spec.activeDeadlineSeconds
    if (deadline === undefined) return false
    const untilMs = this.#observed.startedAtMs + deadline * 1000
    if (untilMs > this.#nowMs) {
      this.#wake(untilMs)
      return false
    }
    const message = 'Pod was active on the node longer than the specified deadline'
    this.actions.push({ type: 'failPod', reason: 'DeadlineExceeded', message })
    return true
  }

  /** Ends everything, the containers before the sidecars that serve them. */
  #stopAll(reason: string, then: 'removePod' | 'releaseSandbox' | undefined): void {
    const { spec } = this.#pod
    const main = [...spec.containers, ...(spec.initContainers ?? []).filter((container) => !isSidecar(container))]
    const sidecars = (spec.initContainers ?? []).filter(isSidecar).toReversed()
    const others = spec.ephemeralContainers ?? []
    const first = this.#stop([...main, ...others], reason)
    if (first) return
    for (const sidecar of sidecars) if (this.#stop([sidecar], reason)) return
    if (then) this.actions.push({ type: then })
  }

  /** @returns whether any of them is still alive */
  #stop(containers: readonly { readonly name?: string }[], reason: string): boolean {
    let alive = false
    for (const { name = '' } of containers) {
      const record = this.#record(name)
      if (record.activity !== 'none') alive = true
      if (!isRunning(record)) continue
      alive = true
      if (record.activity === 'none') this.actions.push({ type: 'stopContainer', name, reason })
    }
    return alive
  }

  #stopCondemned(): void {
    for (const record of this.#observed.records.values()) {
      if (record.mustDie === undefined || !isRunning(record) || record.activity !== 'none') continue
      this.actions.push({ type: 'stopContainer', name: record.name, reason: record.mustDie })
    }
  }

  /** Init containers, in order. @returns whether the containers may run */
  #prepare(): boolean {
    for (const container of this.#pod.spec.initContainers ?? []) {
      const record = this.#record(container.name)
      if (isSidecar(container)) {
        if (!this.#keepRunning(container) && !this.#observed.initialized) return false
        if (!this.#observed.initialized && !(isRunning(record) && record.probedStarted)) return false
        continue
      }
      if (this.#observed.initialized || record.current?.exit?.exitCode === 0) continue
      if (hasExited(record) && this.#pod.spec.restartPolicy === 'Never') return false
      this.#keepRunning(container)
      return false
    }
    return true
  }

  #runContainers(): void {
    const { containers, ephemeralContainers = [] } = this.#pod.spec
    let active = false
    for (const container of containers) {
      const record = this.#record(container.name)
      if (hasExited(record) && record.activity === 'none' && !this.#mayRestart(record)) continue
      active = true
      this.#keepRunning(container)
    }
    for (const { name = '' } of ephemeralContainers) {
      const record = this.#record(name)
      if (!record.current && record.activity === 'none') this.#start(record)
    }
    if (!active) this.#stopAll('', undefined)
  }

  #mayRestart(record: ContainerRecord): boolean {
    switch (this.#pod.spec.restartPolicy) {
      case 'Never':
        return false
      case 'OnFailure':
        return record.current?.exit?.exitCode !== 0
      default:
        return true
    }
  }

  /** @returns whether it runs */
  #keepRunning(container: Pick<Container, 'name'>): boolean {
    const record = this.#record(container.name)
    if (record.activity === 'none' && !isRunning(record)) this.#start(record)
    return isRunning(record)
  }

  #start(record: ContainerRecord): void {
    const { name, retryAtMs, current, backoff } = record
    if (retryAtMs !== undefined && retryAtMs > this.#nowMs) return this.#wake(retryAtMs)
    if (!current?.exit) {
      this.actions.push({ type: 'startContainer', name })
      return
    }
    const decision = planRestart(backoff, current.exit.finishedAtMs, this.#nowMs)
    if (decision.type === 'start') {
      this.actions.push({ type: 'startContainer', name, backoff: decision.backoff })
      return
    }
    this.#wake(decision.untilMs)
    if (record.waiting?.reason !== 'CrashLoopBackOff') {
      this.actions.push({ type: 'waitForBackoff', name, delayMs: decision.delayMs })
    }
  }

  #record(name: string): ContainerRecord {
    return this.#observed.records.get(name) ?? newRecord(name)
  }

  #wake(atMs: number): void {
    this.wakeAtMs = Math.min(this.wakeAtMs ?? atMs, atMs)
  }
}

/** The words of a CrashLoopBackOff. */
export function backoffMessage(pod: Pod, container: string, delayMs: number): string {
  const { name, namespace, uid } = pod.metadata
  return `back-off ${formatDelay(delayMs)} restarting failed container=${container} pod=${name}_${namespace}(${uid})`
}
