/** The conditions of a pod that its node agent owns; those of others are kept. */
import type { Pod } from '#api/pod.ts'
import type { ContainerStatus, PodCondition, PodStatus } from '#api/pod-status.ts'
import { seconds } from './container-record.ts'
import { isSidecar } from './plan-pod.ts'

export interface ConditionsInput {
  readonly pod: Pod
  readonly phase: NonNullable<PodStatus['phase']>
  readonly sandboxReady: boolean
  readonly initDone: boolean
  readonly init: readonly ContainerStatus[]
  readonly main: readonly ContainerStatus[]
  readonly nowMs: number
}

type Verdict = { readonly status: 'True' | 'False'; readonly reason?: string; readonly message?: string }

export function renderConditions(input: ConditionsInput): PodCondition[] {
  const { pod, phase, main, init } = input
  const sidecars = init.filter((_, index) => isSidecar(pod.spec.initContainers![index]!))
  const containersReady = readyVerdict(phase, [...sidecars, ...main])
  const own: [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: input.sandboxReady ? 'True' : 'False' }],
    ['Initialized', initializedVerdict(input)],
    ['Ready', gatesVerdict(pod, containersReady)],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ]
  const before = new Map((pod.status?.conditions ?? []).map((condition) => [condition.type, condition]))
  const others = [...before.values()].filter(({ type }) => !own.some(([ownType]) => ownType === type))
  return [...own.map(([type, verdict]) => condition(input, type, verdict, before.get(type))), ...others]
}

function condition(
  { pod, nowMs }: ConditionsInput,
  type: string,
  verdict: Verdict,
  before: PodCondition | undefined,
): PodCondition {
  const since = before?.status === verdict.status ? before.lastTransitionTime : undefined
  return {
    type,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    ...verdict,
    lastTransitionTime: since ?? seconds(nowMs),
  }
}

function readyVerdict(phase: string, containers: readonly ContainerStatus[]): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const unready = containers.filter((status) => !status.ready).map((status) => status.name)
  if (unready.length === 0) return { status: 'True' }
  const message = `containers with unready status: [${unready.join(' ')}]`
  return { status: 'False', reason: 'ContainersNotReady', message }
}

function initializedVerdict({ phase, initDone, init }: ConditionsInput): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  if (initDone) return { status: 'True' }
  const incomplete = init.filter((status) => !status.ready).map((status) => status.name)
  const message = `containers with incomplete status: [${incomplete.join(' ')}]`
  return { status: 'False', reason: 'ContainersNotInitialized', message }
}

function gatesVerdict(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status === 'False') return containersReady
  const conditions = pod.status?.conditions ?? []
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = conditions.find(({ type }) => type === conditionType)
    if (!found) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    if (found.status !== 'True')
      return [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`]
    return []
  })
  if (problems.length === 0) return containersReady
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') }
}
