/** A pod's status as the API shows it, from the records of its containers. */
import type { Container } from '#api/container.ts'
import type { Pod } from '#api/pod.ts'
import type { ContainerState, ContainerStatus, PodStatus } from '#api/pod-status.ts'
import {
  containerId,
  hasExited,
  isRunning,
  newRecord,
  seconds,
  terminatedState,
  type ContainerRecord,
} from './container-record.ts'
import { isSidecar } from './plan-pod.ts'
import { renderConditions } from './render-conditions.ts'

export interface StatusInput {
  readonly pod: Pod
  readonly records: ReadonlyMap<string, ContainerRecord>
  readonly sandboxReady: boolean
  readonly initialized: boolean
  /** One of each family, the primary first; none before the pod has a network. */
  readonly podIps: readonly string[]
  readonly hostIps: readonly string[]
  readonly startedAtMs: number
  /** Set when the agent itself has ended the pod. */
  readonly failure?: { readonly reason: string; readonly message: string }
}

type AnyContainer = Pick<Container, 'name' | 'image' | 'volumeMounts' | 'startupProbe' | 'resources' | 'restartPolicy'>

export function renderPodStatus(input: StatusInput, nowMs: number): PodStatus {
  const { pod, failure } = input
  const { spec } = pod
  const waitingReason = initDone(input) ? 'ContainerCreating' : 'PodInitializing'
  const statusOf = (reason: string, init: boolean) => (container: AnyContainer) =>
    renderContainer(container, input.records.get(container.name) ?? newRecord(container.name), {
      waitingReason: reason,
      init,
    })
  const hasInit = (spec.initContainers ?? []).length > 0
  const init = (spec.initContainers ?? []).map(statusOf(initWaitingReason(input), true))
  const main = spec.containers.map(statusOf(hasInit ? waitingReason : 'ContainerCreating', false))
  const ephemeral = (spec.ephemeralContainers ?? []).map(({ name = '', image = '' }) =>
    statusOf('ContainerCreating', false)({ name, image }),
  )
  const phase = failure ? 'Failed' : renderPhase(pod, init, main, input)
  const { podIps, hostIps } = input
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    ...failure,
    conditions: renderConditions({ ...input, phase, init, main, nowMs, initDone: initDone(input) }),
    ...(hostIps[0] !== undefined && { hostIP: hostIps[0] }),
    hostIPs: hostIps.map((ip) => ({ ip })),
    ...(podIps[0] !== undefined && { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: seconds(input.startedAtMs),
    ...(hasInit && { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: pod.status?.qosClass ?? 'BestEffort',
  }
}

function initWaitingReason({ pod }: StatusInput): string {
  return (pod.spec.initContainers ?? []).length > 1 ? 'PodInitializing' : 'ContainerCreating'
}

function initDone({ pod, records, initialized }: StatusInput): boolean {
  if (initialized) return true
  return (pod.spec.initContainers ?? []).every((container) => {
    const record = records.get(container.name)
    if (!record) return false
    return isSidecar(container) ? isRunning(record) && record.probedStarted : record.current?.exit?.exitCode === 0
  })
}

function renderContainer(
  container: AnyContainer,
  record: ContainerRecord,
  options: { readonly waitingReason: string; readonly init: boolean },
): ContainerStatus {
  const { current } = record
  const running = isRunning(record)
  const state = renderState(record, options.waitingReason)
  const previous = state.terminated ? record.last : hasExited(record) ? terminatedState(current!) : record.last
  const started = running && record.probedStarted
  const plainInit = options.init && !isSidecar(container as Container)
  return {
    name: container.name,
    state,
    lastState: previous ? { terminated: previous } : {},
    ready: plainInit ? current?.exit?.exitCode === 0 : started && record.probedReady,
    restartCount: current?.attempt ?? 0,
    image: current?.image ?? container.image ?? '',
    imageID: current?.imageId ?? '',
    ...(current && { containerID: containerId(current) }),
    started: plainInit ? false : started,
    ...(container.resources && Object.keys(container.resources).length > 0 && { resources: container.resources }),
    ...((container.volumeMounts ?? []).length > 0 && { volumeMounts: renderMounts(container) }),
    ...(running && {
      user: { linux: { uid: current!.uid, gid: current!.gid, supplementalGroups: [...groupsOf(current!)] } },
    }),
  }
}

const groupsOf = (current: { readonly gid: number; readonly groups: readonly number[] }) =>
  new Set([current.gid, ...current.groups])

function renderState(record: ContainerRecord, waitingReason: string): ContainerState {
  const { current, waiting } = record
  if (isRunning(record)) return { running: { startedAt: seconds(current!.startedAtMs) } }
  if (waiting) return { waiting: { reason: waiting.reason, ...(waiting.message && { message: waiting.message }) } }
  if (current) return { terminated: terminatedState(current)! }
  return { waiting: { reason: waitingReason } }
}

function renderMounts(container: AnyContainer) {
  return (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => ({
    name,
    mountPath,
    ...(readOnly && { readOnly, recursiveReadOnly: 'Disabled' }),
  }))
}

function renderPhase(
  pod: Pod,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  input: StatusInput,
): NonNullable<PodStatus['phase']> {
  const policy = pod.spec.restartPolicy ?? 'Always'
  const plainInit = init.filter((_, index) => !isSidecar(pod.spec.initContainers![index]!))
  const initFailed = plainInit.some((status) => (status.state?.terminated?.exitCode ?? 0) !== 0)
  if (!initDone(input) && initFailed && policy === 'Never') return 'Failed'
  const counts = { running: 0, waiting: 0, stopped: 0, succeeded: 0 }
  for (const { state, lastState } of main) {
    if (state?.running) counts.running++
    else if (state?.terminated ?? lastState?.terminated) counts.stopped++
    else counts.waiting++
    if (state?.terminated?.exitCode === 0) counts.succeeded++
  }
  if (!initDone(input) || counts.waiting > 0) return 'Pending'
  if (counts.running > 0 || policy === 'Always') return 'Running'
  // A sidecar that still runs keeps the pod from having ended.
  const sidecarRuns = init.some((status, index) => isSidecar(pod.spec.initContainers![index]!) && status.state?.running)
  if (sidecarRuns) return 'Running'
  if (counts.stopped === counts.succeeded) return 'Succeeded'
  return policy === 'Never' ? 'Failed' : 'Running'
}
