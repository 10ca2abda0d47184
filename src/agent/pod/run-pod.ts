/**
 * Runs one pod: looks at what is wanted and what is, does what the plan says, writes the status, and again whenever
 * something happens. All decisions are in plan-pod.ts and render-pod-status.ts.
 */
import type { Container } from '#api/container.ts'
import { awaitRoutesAnnotation } from '#api/committed-routes.ts'
import { Pod } from '#api/pod.ts'
import { isConflict, isNotFound } from '#api/status-error.ts'
import { isNamespaceFile } from '#kernel/namespaces.ts'
import { endLeftovers } from '#kernel/sandbox/clear-leftovers.ts'
import { backoffMs } from '#lib/backoff.ts'
import { clusterDomain, internalIps, podIpv6 } from '#lib/address-plan.ts'
import type { AgentContext } from '../agent-context.ts'
import { kernelHostname } from '../environment/render-hosts.ts'
import { applyVolumes, type AppliedVolumes } from '../volumes/apply-volumes.ts'
import { VolumeError } from '../volumes/build-payload.ts'
import { openTokens, type Tokens } from '../volumes/open-tokens.ts'
import { ContainerRunner } from './run-container.ts'
import type { ContainerRecord } from './container-record.ts'
import {
  addressesOf,
  openPodDir,
  type PodAddressPair,
  type PodDir,
  type SandboxRecord,
  type SavedPod,
} from './open-pod-dir.ts'
import { isTerminal, planPod, type ObservedPod, type PodAction } from './plan-pod.ts'
import { describeHolders, type Patience } from './route-withdrawals.ts'
import { renderPodStatus } from './render-pod-status.ts'
import { isOffered } from './select-offering.ts'
import { openStatusWriter, type StatusWriter } from './write-status.ts'

const retry = { baseMs: 500, maxMs: 30_000 }
/** How long containers of a deleted pod may be kept from stopping because a node does not say what it does. */
const confirmationMs = 2_000
/** And because EndpointSlices, which are late when there is much to do, still send everybody to them. */
const lateSlicesMs = 10_000

export class PodRunner {
  readonly uid: string
  readonly dir: PodDir
  readonly #context: AgentContext
  readonly #signal: AbortSignal
  readonly #onRemoved: () => void
  readonly #containers = new Map<string, ContainerRunner>()
  readonly #status: StatusWriter
  readonly #tokens: Tokens
  #pod: Pod
  #sandbox: SandboxRecord | undefined
  #sandboxReady = false
  /** Whether there is something to release: also before the sandbox is complete. */
  #sandboxBegun = false
  #initialized = false
  #routes: ObservedPod['routes'] = 'open'
  #busy = false
  #failures = 0
  #retryAtMs: number | undefined
  #failure: { readonly reason: string; readonly message: string } | undefined
  #volumes: AppliedVolumes | undefined
  readonly #startedAtMs: number
  #timer: NodeJS.Timeout | undefined
  #nextTurn: NodeJS.Immediate | undefined
  #volumeTimer: NodeJS.Timeout | undefined
  #changeWaiters: (() => void)[] = []
  #removed = false
  #deletedFromApi = false

  constructor(
    context: AgentContext,
    pod: Pod,
    saved: SavedPod | undefined,
    onRemoved: () => void,
    signal: AbortSignal,
  ) {
    this.#context = context
    this.#pod = pod
    this.uid = pod.metadata.uid ?? ''
    this.#signal = signal
    this.#onRemoved = onRemoved
    this.dir = openPodDir(context.podsDir, this.uid)
    this.#status = openStatusWriter(context.client, pod, context.log, signal)
    this.#tokens = openTokens(context, pod)
    context.withdrawals.track(this.uid)
    this.#startedAtMs = saved?.sandbox.startedAtMs ?? context.clock.nowMs()
    if (saved) this.#adopt(saved)
  }

  get pod(): Pod {
    return this.#pod
  }

  get context(): AgentContext {
    return this.#context
  }

  get podIp(): string | undefined {
    return this.podIps[0]
  }

  /** One of each family, the primary first; none before the pod has a network. */
  get podIps(): readonly string[] {
    if (this.#pod.spec.hostNetwork) return internalIps(this.#context.addresses)
    return Object.values(addressesOf(this.#sandbox))
  }

  get volumes(): ReadonlyMap<string, string> {
    return this.#volumes?.sources ?? new Map<string, string>()
  }

  container(name: string): ContainerRunner | undefined {
    return this.#containers.get(name)
  }

  /** By when everything must have ended, once the pod is being deleted. */
  get deletionDeadlineMs(): number | undefined {
    const { deletionTimestamp } = this.#pod.metadata
    if (this.#deletedFromApi) return this.#context.clock.nowMs()
    // The timestamp is cut to whole seconds.
    return deletionTimestamp === undefined ? undefined : Date.parse(deletionTimestamp) + 999
  }

  /** Resolves at the next change of the pod's object. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#changeWaiters.push(resolve))
  }

  update(pod: Pod): void {
    const before = this.#pod
    this.#pod = pod
    if (before.metadata.labels !== pod.metadata.labels || before.metadata.annotations !== pod.metadata.annotations) {
      this.refreshVolumes()
    }
    this.#wakeWaiters()
    // Most often it is our own status that comes back: who sends it traffic goes first.
    this.#nextTurn ??= setImmediate(() => {
      this.#nextTurn = undefined
      this.sync()
    })
  }

  /** The object has gone from the API: end everything at once. */
  remove(): void {
    this.#deletedFromApi = true
    this.#pod = {
      ...this.#pod,
      metadata: {
        ...this.#pod.metadata,
        deletionTimestamp: this.#pod.metadata.deletionTimestamp ?? new Date(0).toISOString(),
      },
    }
    this.#wakeWaiters()
    this.sync()
  }

  /** Forgets without touching: the agent stops, the pod goes on. */
  detach(): void {
    if (this.#nextTurn) clearImmediate(this.#nextTurn)
    clearTimeout(this.#timer)
    clearTimeout(this.#volumeTimer)
    for (const container of this.#containers.values()) container.detach()
  }

  /** Looks at everything, does what is to be done next, writes the status. Call after any change. */
  sync(): void {
    if (this.#removed || this.#signal.aborted) return
    const nowMs = this.#context.clock.nowMs()
    const plan = planPod(this.#pod, this.#observe(), nowMs)
    for (const action of plan.actions) this.#perform(action)
    this.#writeStatus(nowMs)
    clearTimeout(this.#timer)
    if (plan.wakeAtMs === undefined) return
    this.#timer = setTimeout(() => this.sync(), Math.min(Math.max(0, plan.wakeAtMs - nowMs), 0x7fffffff))
  }

  /** Writes changed ConfigMaps, Secrets and tokens into the pod's volumes. */
  refreshVolumes(): void {
    if (!this.#volumes || this.#removed) return
    this.#applyVolumes().catch((error: unknown) => this.#volumesFailed(error))
  }

  #adopt({ sandbox, containers, unrecorded }: SavedPod): void {
    this.#sandbox = sandbox
    const { paths, podAddresses } = this.#context
    const kept = isNamespaceFile(sandbox.ip === undefined ? paths.uts(this.uid) : paths.pod(this.uid))
    // The agent before may have been killed while it made the sandbox. Making it again leaves alone what is there, and
    // until a container was written down nobody is disturbed.
    const hasContainers = [...containers.values()].some(({ current }) => current !== undefined)
    this.#sandboxBegun = kept
    this.#sandboxReady = kept && hasContainers
    if (sandbox.ip !== undefined && kept) podAddresses.adopt(sandbox.ip)
    for (const directory of unrecorded) endLeftovers(directory)
    if (!kept) this.#sandbox = undefined
    for (const [name, persistent] of containers) this.#runner(name).adopt(persistent)
    const names = new Set(this.#pod.spec.containers.map((container) => container.name))
    // Containers that have begun mean that the init containers had ended. In a new sandbox they run again.
    this.#initialized =
      kept && [...containers].some(([name, record]) => names.has(name) && record.current !== undefined)
    if (!kept)
      for (const container of this.#pod.spec.initContainers ?? []) this.#containers.get(container.name)?.forget()
  }

  /** After adoption volumes are made again, which leaves alone what is the same. */
  resume(): void {
    const { initContainers = [], containers } = this.#pod.spec
    for (const container of [...initContainers, ...containers]) this.#containers.get(container.name)?.resume(container)
    if (this.#sandboxReady && this.#pod.metadata.deletionTimestamp === undefined && !isTerminal(this.#pod)) {
      this.#applyVolumes().then(
        () => this.sync(),
        (error: unknown) => this.#volumesFailed(error),
      )
    }
    this.sync()
  }

  #observe(): ObservedPod {
    const records = this.#records()
    if (!this.#initialized && this.#sandboxReady) {
      this.#initialized = this.#pod.spec.containers.some(({ name }) => records.get(name)?.current !== undefined)
    }
    return {
      sandboxReady: this.#sandboxReady && this.#volumes !== undefined,
      records,
      routes: this.#pod.metadata.annotations?.[awaitRoutesAnnotation] === 'false' ? 'withdrawn' : this.#routes,
      busy: this.#busy,
      initialized: this.#initialized,
      startedAtMs: this.#startedAtMs,
      ...(this.#retryAtMs !== undefined && { retryAtMs: this.#retryAtMs }),
    }
  }

  #records(): Map<string, ContainerRecord> {
    return new Map([...this.#containers].map(([name, container]) => [name, container.record]))
  }

  #writeStatus(nowMs: number): void {
    if (this.#deletedFromApi || isTerminal(this.#pod)) return
    const status = renderPodStatus(
      {
        pod: this.#pod,
        records: this.#records(),
        sandboxReady: this.#sandboxReady,
        initialized: this.#initialized,
        podIps: this.#sandbox ? this.podIps : [],
        hostIps: internalIps(this.#context.addresses),
        startedAtMs: this.#startedAtMs,
        ...(this.#failure && { failure: this.#failure }),
      },
      nowMs,
    )
    this.#status.write(status)
  }

  #perform(action: PodAction): void {
    switch (action.type) {
      case 'createSandbox':
        return this.#exclusively(() => this.#createSandbox())
      case 'startContainer':
        return this.#runner(action.name).start(this.#spec(action.name), action.backoff)
      case 'waitForBackoff':
        return this.#runner(action.name).showBackoff(action.delayMs)
      case 'awaitWithdrawal':
        return void this.#awaitWithdrawal()
      case 'stopContainer':
        return this.#runner(action.name).stop(this.#spec(action.name), action.reason)
      case 'failPod':
        this.#failure = { reason: action.reason, message: action.message }
        this.#context.events(this.#pod, 'Normal', action.reason, action.message)
        for (const container of this.#containers.values()) container.condemn('')
        return
      case 'releaseSandbox':
        return this.#exclusively(() => this.#releaseSandbox())
      case 'removePod':
        return this.#exclusively(() => this.#removePod())
      default:
        action satisfies never
    }
  }

  /** Never fails: who does not answer in time is named in an event, and the containers are stopped all the same. */
  async #awaitWithdrawal(): Promise<void> {
    const { withdrawals, events, services, clock } = this.#context
    this.#routes = 'withdrawing'
    const beganMs = clock.nowMs()
    const offered = !this.#deletedFromApi && isOffered(this.#pod, services.list(this.#pod.metadata.namespace))
    const holders = await withdrawals.untilWithdrawn(
      { uid: this.uid, isOffered: offered },
      this.#withdrawalPatience(),
      this.#signal,
    )
    this.#routes = 'withdrawn'
    if (holders.length > 0) {
      const message = `Stopping although connections may be lost: in ${clock.nowMs() - beganMs} ms ${describeHolders(holders)}`
      events(this.#pod, 'Warning', 'RoutesNotWithdrawn', message)
    }
    this.sync()
  }

  /** Part of the grace period, of which the program must keep at least one half. Without one nobody was promised anything. */
  #withdrawalPatience(): Patience {
    const { clock } = this.#context
    if (this.#deletedFromApi || this.#pod.metadata.deletionGracePeriodSeconds === 0)
      return { totalMs: confirmationMs, confirmationMs }
    const leftMs = (this.deletionDeadlineMs ?? Infinity) - clock.nowMs()
    return { totalMs: Math.round(Math.min(lateSlicesMs, Math.max(0, leftMs) / 2)), confirmationMs }
  }

  #exclusively(run: () => Promise<void>): void {
    this.#busy = true
    run()
      .then(
        () => {
          this.#failures = 0
          this.#retryAtMs = undefined
        },
        (error: unknown) => {
          this.#retryAtMs = this.#context.clock.nowMs() + backoffMs(retry, ++this.#failures, 0)
          if (error instanceof VolumeError) this.#volumesFailed(error)
          else this.#sandboxFailed(error)
        },
      )
      .finally(() => {
        this.#busy = false
        this.sync()
      })
  }

  async #createSandbox(): Promise<void> {
    const { context } = this
    const pod = this.#pod
    if (!this.#sandboxReady) {
      const addresses = pod.spec.hostNetwork ? {} : this.#sandbox?.ip ? addressesOf(this.#sandbox) : this.#allocate()
      this.#sandbox = {
        uid: this.uid,
        namespace: pod.metadata.namespace ?? 'default',
        name: pod.metadata.name,
        node: context.nodeName,
        startedAtMs: this.#startedAtMs,
        ...addresses,
      }
      const hostname = kernelHostname(pod, context.nodeName, clusterDomain)
      // The file first: an agent that dies in between must know of the namespaces.
      this.dir.saveSandbox(this.#sandbox)
      this.#sandboxBegun = true
      await context.broker.ensurePodSandbox({
        uid: this.uid,
        hostname,
        node: context.addresses.number,
        ...addresses,
      })
      this.#sandboxReady = true
    }
    await this.#applyVolumes()
  }

  #allocate(): PodAddressPair {
    const { podAddresses, addresses } = this.#context
    const ip = podAddresses.allocate()
    const ip6 = podIpv6(addresses, ip)
    return { ip, ...(ip6 !== undefined && { ip6 }) }
  }

  async #applyVolumes(): Promise<void> {
    const { context } = this
    const applied = await applyVolumes(
      this.#pod,
      { volumes: this.dir.volumes, memory: `${context.paths.memory(this.uid)}/volumes` },
      {
        pod: this.#pod,
        podIps: this.podIps,
        hostIps: internalIps(context.addresses),
        allocatable: context.allocatable,
        objects: context.objects,
        issueToken: (projection) => this.#tokens.issue(projection),
      },
    )
    this.#volumes = applied
    clearTimeout(this.#volumeTimer)
    if (applied.refreshAtMs === undefined || this.#removed) return
    const delayMs = Math.max(1_000, applied.refreshAtMs - context.clock.nowMs())
    this.#volumeTimer = setTimeout(() => this.refreshVolumes(), Math.min(delayMs, 0x7fffffff))
    this.#volumeTimer.unref()
  }

  #volumesFailed(error: unknown): void {
    if (error instanceof VolumeError) this.#context.events(this.#pod, 'Warning', 'FailedMount', error.message)
    else
      this.#context.log.error(
        { pod: this.#pod.metadata.name, error: String(error) },
        'cannot make the volumes of a pod',
      )
  }

  #sandboxFailed(error: unknown): void {
    const message = `Failed to create pod sandbox: ${(error as Error).message}`
    this.#context.log.error({ pod: this.#pod.metadata.name, error: (error as Error).stack }, 'a pod operation failed')
    if (!this.#sandboxReady) this.#context.events(this.#pod, 'Warning', 'FailedCreatePodSandBox', message)
  }

  async #releaseSandbox(): Promise<void> {
    if (!this.#sandboxBegun) return
    this.#sandboxBegun = false
    this.#sandboxReady = false
    await this.#context.broker.removePodSandbox({
      uid: this.uid,
      node: this.#context.addresses.number,
      ...addressesOf(this.#sandbox),
    })
    if (this.#sandbox?.ip !== undefined) this.#context.podAddresses.release(this.#sandbox.ip)
  }

  async #removePod(): Promise<void> {
    await this.#status.idle()
    await this.#releaseSandbox()
    await this.#deleteFromApi()
    this.#removed = true
    this.#context.withdrawals.forget(this.uid)
    this.detach()
    this.#onRemoved()
    await this.dir.remove()
  }

  async #deleteFromApi(): Promise<void> {
    if (this.#deletedFromApi) return
    const { namespace, name } = this.#pod.metadata
    const query = { gracePeriodSeconds: 0, preconditions: { uid: this.uid } }
    try {
      await this.#context.client.of(Pod).delete({ ...(namespace !== undefined && { namespace }), name }, query)
    } catch (error) {
      // Somebody else removed it, or another pod has its name by now.
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }

  #runner(name: string): ContainerRunner {
    let container = this.#containers.get(name)
    if (!container) {
      container = new ContainerRunner(this, name, this.#signal)
      this.#containers.set(name, container)
    }
    return container
  }

  #spec(name: string): Container {
    const { initContainers = [], containers, ephemeralContainers = [] } = this.#pod.spec
    const found = [...containers, ...initContainers, ...ephemeralContainers].find(
      (candidate) => candidate.name === name,
    )
    if (!found) throw new Error(`Cannot find container ${name} in pod ${this.#pod.metadata.name}`)
    return { ...found, name }
  }

  #wakeWaiters(): void {
    const waiters = this.#changeWaiters
    this.#changeWaiters = []
    for (const resolve of waiters) resolve()
  }
}
