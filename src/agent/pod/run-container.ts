/** One container of a pod: starts, watches, probes and stops it, and keeps its record. */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Container } from '#api/container.ts'
import type { LifecycleHandler } from '#api/probe.ts'
import { connectInNetns } from '#kernel/connect-in-netns.ts'
import { isRunning as processIsRunning } from '#kernel/process-identity.ts'
import { LaunchError } from '#kernel/sandbox/container-launch.ts'
import { signalContainer, takeKeptDescriptor, untilEntered } from '#kernel/sandbox/container-process.ts'
import { runInContainer } from '#kernel/run-in-container.ts'
import { watchExit } from '#kernel/watch-exit.ts'
import { backoffMs } from '#lib/backoff.ts'
import { ConfigError } from '../environment/build-environment.ts'
import { probeOnce, type ProbeTarget } from '../probes/probe-handler.ts'
import { runProbes } from '../probes/run-probes.ts'
import { ContainerOutput } from '../streams/open-container-output.ts'
import {
  isRunning,
  newRecord,
  terminatedState,
  type ContainerExit,
  type ContainerInstance,
  type ContainerRecord,
  type CrashBackoff,
  type PersistentRecord,
} from './container-record.ts'
import { backoffMessage } from './plan-pod.ts'
import type { PodRunner } from './run-pod.ts'
import { ImageUnavailableError } from './resolve-image.ts'
import { memoryScratch, startContainer } from './start-container.ts'
import { signalNumber, stopContainer } from './stop-container.ts'

const retry = { baseMs: 10_000, maxMs: 300_000 }
/** How long ErrImagePull shows before it is called ImagePullBackOff. */
const errorShownMs = 1_000
const maxExecOutputBytes = 10 * 1024
const unknownExitCode = 137

export class ContainerRunner {
  record: ContainerRecord
  /** Streams of the run that lives, or of the last one. */
  output: ContainerOutput | undefined
  readonly #owner: PodRunner
  readonly #signal: AbortSignal
  /** Aborted when the running instance ends, or when the agent lets go of it. */
  #ended = new AbortController()
  #exitWatch: { close(): void } | undefined

  constructor(owner: PodRunner, name: string, signal: AbortSignal) {
    this.#owner = owner
    this.#signal = signal
    this.record = newRecord(name)
  }

  /** Takes over what an earlier agent has started. */
  adopt(persistent: PersistentRecord): void {
    this.record = { ...this.record, ...persistent }
    const { current } = persistent
    if (!current) return
    this.#openOutput(current, undefined)
    if (current.exit) this.output?.end()
    else if (processIsRunning(current.shim)) this.#watch(current)
    else this.#onExit(current, true)
  }

  /** As if it had never run: an init container that must run again in a new sandbox. */
  forget(): void {
    const { current } = this.record
    if (!current) return
    const last = terminatedState(current)
    this.record = { ...newRecord(this.record.name), ...(last && { last }) }
    this.#persist()
  }

  detach(): void {
    this.#exitWatch?.close()
    this.#ended.abort()
    this.output?.detach()
  }

  condemn(reason: string): void {
    if (isRunning(this.record)) this.#change({ mustDie: reason })
  }

  showBackoff(delayMs: number): void {
    const message = backoffMessage(this.#owner.pod, this.record.name, delayMs)
    this.#change({ waiting: { reason: 'CrashLoopBackOff', message } })
    const text = `Back-off restarting failed container ${this.record.name} in pod ${this.#owner.pod.metadata.name}_${this.#owner.pod.metadata.namespace}(${this.#owner.uid})`
    this.#event('Warning', 'BackOff', text)
  }

  start(container: Container, backoff: CrashBackoff | undefined): void {
    this.#change({ activity: 'starting', ...(backoff && { backoff }) })
    this.#start(container).then(
      () => this.#owner.sync(),
      (error: unknown) => {
        this.#startFailed(error)
        this.#owner.sync()
      },
    )
  }

  async #start(container: Container): Promise<void> {
    const { context, pod, dir, volumes, podIps } = this.#owner
    const { current, name } = this.record
    const attempt = current ? current.attempt + 1 : 0
    const started = await startContainer({ context, pod, container, attempt, dir, podIps, volumes }, this.#signal)
    const last = current ? terminatedState(current) : this.record.last
    const { waiting: _waiting, retryAtMs: _retryAtMs, mustDie: _mustDie, ...rest } = this.record
    this.record = {
      ...rest,
      current: started.instance,
      ...(last && { last }),
      activity: 'none',
      failures: 0,
      probedReady: false,
      probedStarted: false,
    }
    this.#persist()
    this.#openOutput(started.instance, started.stdinFd)
    this.#watch(started.instance)
    if (attempt > 1) dir.removeOldInstances(name, attempt)
    this.#event('Normal', 'Created', `Created container: ${name}`)
    this.#event('Normal', 'Started', `Started container ${name}`)
    const postStart = container.lifecycle?.postStart
    if (postStart && !(await this.#runHook(postStart, 'PostStart', started.instance))) {
      this.#change({ mustDie: 'FailedPostStartHook' })
      return
    }
    this.#beginProbes(container, started.instance, false)
  }

  /** Probes of an adopted container begin once the pod's object is known to be the same. */
  resume(container: Container): void {
    const { current } = this.record
    if (!current || current.exit) return
    const before = this.#owner.pod.status?.containerStatuses?.find((status) => status.name === container.name)
    const same = before?.containerID === `frontdesk://${current.id}`
    this.#change({ probedReady: same && before.ready, probedStarted: same && before.started === true })
    this.#beginProbes(container, current, this.record.probedStarted)
  }

  #beginProbes(container: Container, instance: ContainerInstance, alreadyStarted: boolean): void {
    const { context } = this.#owner
    const update = (change: Partial<ContainerRecord>) => {
      this.#change(change)
      this.#owner.sync()
    }
    runProbes(
      container,
      this.#probeTarget(container, instance),
      {
        onReady: (ready) => update({ probedReady: ready }),
        onStarted: () => update({ probedStarted: true }),
        onUnhealthy: (_kind, message) => this.#event('Warning', 'Unhealthy', message),
        onFailed: (kind) => {
          const text = `Container ${container.name} failed ${kind.toLowerCase()} probe, will be restarted`
          this.#event('Normal', 'Killing', text)
          update({ mustDie: `${kind}ProbeFailed` })
        },
      },
      { startedAtMs: instance.startedAtMs, nowMs: context.clock.nowMs, alreadyStarted },
      this.#ended.signal,
    )
  }

  stop(container: Container, reason: string): void {
    const { current } = this.record
    if (!current || current.exit) return
    this.#change({ activity: 'stopping' })
    if (reason === '' || reason === 'FailedPostStartHook') {
      this.#event('Normal', 'Killing', `Stopping container ${container.name}`)
    }
    this.#stop(container, current, reason).catch((error: unknown) => {
      this.#owner.context.log.error({ container: container.name, error: String(error) }, 'cannot stop a container')
    })
  }

  async #stop(container: Container, instance: ContainerInstance, reason: string): Promise<void> {
    const { context } = this.#owner
    const beganMs = context.clock.nowMs()
    const graceMs = () => {
      const { metadata, spec } = this.#owner.pod
      const probe = reason === 'StartupProbeFailed' ? container.startupProbe : container.livenessProbe
      const own = reason.endsWith('ProbeFailed') ? probe?.terminationGracePeriodSeconds : undefined
      return 1000 * (own ?? metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30)
    }
    const preStop = container.lifecycle?.preStop
    await stopContainer({
      shim: instance.shim,
      rootfs: instance.rootfs,
      ended: this.#ended.signal,
      nowMs: context.clock.nowMs,
      deadlineMs: () => Math.min(beganMs + graceMs(), this.#owner.deletionDeadlineMs ?? Infinity),
      deadlineChanged: () => this.#owner.changed(),
      stopSignal: signalNumber(container.lifecycle?.stopSignal),
      ...(preStop && {
        preStop: async () => {
          await this.#runHook(preStop, 'PreStop', instance)
        },
      }),
    })
  }

  async #runHook(handler: LifecycleHandler, kind: 'PostStart' | 'PreStop', instance: ContainerInstance) {
    if (handler.sleep) {
      await untilAborted(this.#ended.signal, handler.sleep.seconds * 1000)
      return true
    }
    const container = { name: this.record.name, ports: [] }
    const result = await probeOnce(handler, this.#probeTarget(container, instance), this.#ended.signal)
    if (!result.success && !this.#ended.signal.aborted) {
      this.#event('Warning', `Failed${kind}Hook`, `${kind}Hook failed: ${result.message}`)
    }
    return result.success
  }

  #probeTarget(container: Pick<Container, 'name' | 'ports'>, instance: ContainerInstance): ProbeTarget {
    const { context, podIp } = this.#owner
    return {
      podIp: podIp ?? context.addresses.internalIp,
      ports: (container.ports ?? []).map(({ name, containerPort }) => ({ containerPort, ...(name && { name }) })),
      connect: (address, port, signal) =>
        connectInNetns(context.broker, { netns: context.paths.node(context.addresses.number), address, port }, signal),
      exec: (command, signal) => this.#exec(instance, command, signal),
    }
  }

  async #exec(instance: ContainerInstance, argv: readonly string[], signal: AbortSignal) {
    const pid = await untilEntered(instance.shim, instance.rootfs)
    if (pid === undefined) return { exitCode: unknownExitCode, output: 'container not running' }
    const { env, uid, gid } = instance
    const command = runInContainer({ pid, argv, env, uid, gid, stdin: false, tty: false })
    const onAbort = () => command.kill()
    signal.addEventListener('abort', onAbort, { once: true })
    let output = ''
    const collect = (chunk: Buffer) => (output = (output + chunk.toString()).slice(0, maxExecOutputBytes))
    command.stdout.on('data', collect)
    command.stderr?.on('data', collect)
    const exitCode = await command.exitCode
    signal.removeEventListener('abort', onAbort)
    return { exitCode, output }
  }

  #openOutput(instance: ContainerInstance, fd: number | undefined): void {
    this.output?.detach()
    const directory = this.#owner.dir.instance(this.record.name, instance.attempt)
    const ours = fd ?? (instance.exit ? undefined : this.#takeBack(instance))
    this.output = new ContainerOutput(directory, instance, ours, this.#owner.context.clock.nowMs)
  }

  /** The shim keeps a copy of the terminal, or of stdin, for the agent after this one. */
  #takeBack(instance: ContainerInstance): number | undefined {
    if (!instance.tty && instance.stdin !== 'keep') return undefined
    try {
      return takeKeptDescriptor(instance.shim)
    } catch (error) {
      this.#owner.context.log.warn({ error: String(error) }, 'cannot take the terminal of a container again')
      return undefined
    }
  }

  #watch(instance: ContainerInstance): void {
    this.#ended = new AbortController()
    this.#exitWatch = watchExit(instance.shim, () => this.#onExit(instance, false))
  }

  #onExit(instance: ContainerInstance, whileAway: boolean): void {
    if (this.record.current?.id !== instance.id) return
    const exit = this.#readExit(instance, whileAway)
    const { mustDie: _mustDie, ...rest } = this.record
    this.record = {
      ...rest,
      current: { ...instance, exit },
      activity: 'none',
      probedReady: false,
      probedStarted: false,
    }
    this.#persist()
    this.#ended.abort()
    this.output?.end()
    this.#owner.sync()
    const { context, uid, dir } = this.#owner
    const memory = memoryScratch(context.paths, uid, this.record.name, instance.attempt)
    dir.removeScratch(this.record.name, instance.attempt, memory).catch((error: unknown) => {
      context.log.warn({ error: String(error) }, 'cannot remove what a container wrote')
    })
  }

  #readExit(instance: ContainerInstance, whileAway: boolean): ContainerExit {
    const directory = this.#owner.dir.instance(this.record.name, instance.attempt)
    const exitFile = path.join(directory, 'exit')
    const nowMs = this.#owner.context.clock.nowMs()
    const message = this.#terminationMessage(directory)
    let exitCode = unknownExitCode
    let finishedAtMs = nowMs
    try {
      exitCode = Number(readFileSync(exitFile, 'utf8').trim())
      if (whileAway) finishedAtMs = Math.round(statSync(exitFile).mtimeMs)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      // The shim was killed itself; what it watched must not live on without it.
      signalContainer(instance.shim, 9)
    }
    return { exitCode, finishedAtMs, reason: exitCode === 0 ? 'Completed' : 'Error', ...(message && { message }) }
  }

  #terminationMessage(directory: string): string {
    try {
      return readFileSync(path.join(directory, 'termination-log'), 'utf8').slice(0, 4096)
    } catch {
      return ''
    }
  }

  #startFailed(error: unknown): void {
    const failures = this.record.failures + 1
    const retryAtMs = this.#owner.context.clock.nowMs() + backoffMs(retry, failures, 0)
    const { reason, message } = this.#describeFailure(error)
    this.#change({ activity: 'none', failures, retryAtMs, waiting: { reason, message } })
    if (reason !== 'ErrImagePull') return
    const image = this.#owner.pod.spec.containers.find(({ name }) => name === this.record.name)?.image ?? ''
    const timer = setTimeout(() => {
      if (this.record.waiting?.reason !== 'ErrImagePull' || this.record.activity !== 'none') return
      this.#event('Normal', 'BackOff', `Back-off pulling image "${image}"`)
      this.#event('Warning', 'Failed', 'Error: ImagePullBackOff')
      const text = `Back-off pulling image "${image}": ErrImagePull: ${message}`
      this.#change({ waiting: { reason: 'ImagePullBackOff', message: text } })
      this.#owner.sync()
    }, errorShownMs)
    timer.unref()
  }

  #describeFailure(error: unknown): { readonly reason: string; readonly message: string } {
    const { message } = error as Error
    if (error instanceof ImageUnavailableError) return { reason: error.reason, message }
    this.#event('Warning', 'Failed', `Error: ${message}`)
    if (error instanceof ConfigError) return { reason: 'CreateContainerConfigError', message }
    if (!(error instanceof LaunchError)) {
      this.#owner.context.log.error({ container: this.record.name, error: (error as Error).stack }, 'cannot start')
    }
    return { reason: 'RunContainerError', message: `failed to start container: ${message}` }
  }

  #change(change: Partial<ContainerRecord>): void {
    this.record = { ...this.record, ...change }
    if (change.backoff) this.#persist()
  }

  #persist(): void {
    const { current, last, backoff } = this.record
    this.#owner.dir.saveContainer(this.record.name, {
      ...(current && { current }),
      ...(last && { last }),
      ...(backoff && { backoff }),
    })
  }

  /** The first attach got what was written before it: the next ones do not. */
  noteAttached(): void {
    const { current } = this.record
    if (!current || current.attached) return
    this.record = { ...this.record, current: { ...current, attached: true } }
    this.#persist()
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#owner.context.events(this.#owner.pod, type, reason, message)
  }
}

function untilAborted(signal: AbortSignal, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
