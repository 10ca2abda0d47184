/** Which log to read, from the pod and the query. */
import type { Pod } from '#api/pod.ts'
import type { Finding } from '#api/kind.ts'
import type { LogOptions } from '#api/pod-streams.ts'
import { badRequest, invalidOptions } from '../api-errors.ts'
import { isTrue } from '../request/parse-request-info.ts'
import { requireHost, selectContainer } from './plan-exec.ts'

export interface LogPlan {
  readonly container: string
  readonly options: LogOptions
}

/** Throws 400 or 422 with Kubernetes' own words. */
export function planLog(pod: Pod, query: URLSearchParams, nowMs: number): LogPlan {
  const options = parseLogOptions(query, nowMs)
  const container = selectContainer(pod, query.get('container'))
  requireHost(pod)
  requireLog(pod, container, options.previous)
  return { container, options }
}

function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const tailLines = integer(query, 'tailLines')
  const limitBytes = integer(query, 'limitBytes')
  const sinceSeconds = integer(query, 'sinceSeconds')
  const sinceTime = query.get('sinceTime')
  const findings = [
    atLeast('tailLines', tailLines, 0, 'must be greater than or equal to 0'),
    atLeast('limitBytes', limitBytes, 1, 'must be greater than 0'),
    atLeast('sinceSeconds', sinceSeconds, 1, 'must be greater than 0'),
    sinceSeconds !== undefined && sinceTime ? bothSince : undefined,
  ].filter((finding) => finding !== undefined)
  if (findings.length > 0) throw invalidOptions('PodLogOptions', findings)
  const sinceTimeMs = sinceSeconds !== undefined ? nowMs - sinceSeconds * 1_000 : parseTime(sinceTime)
  return {
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceTimeMs !== undefined && { sinceTimeMs }),
  }
}

const bothSince: Finding = {
  field: '',
  reason: 'FieldValueForbidden',
  message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^-?\d+$/.test(text)) throw badRequest(`the parameter ${name} is not an integer: ${JSON.stringify(text)}`)
  return Number(text)
}

function atLeast(field: string, value: number | undefined, least: number, why: string): Finding | undefined {
  if (value === undefined || value >= least) return undefined
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${why}` }
}

function parseTime(text: string | null): number | undefined {
  if (!text) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw badRequest(`the parameter sinceTime is not a time: ${JSON.stringify(text)}`)
  return ms
}

/** A container that has not run yet has no log; why it waits is what the user wants to know. */
function requireLog(pod: Pod, container: string, previous: boolean): void {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {}
  const all = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses]
  const status = all.find(({ name }) => name === container)
  const about = `${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)}`
  if (previous && !status?.lastState?.terminated) {
    throw badRequest(`previous terminated container ${about} not found`)
  }
  const waiting = status ? status.state?.waiting : { reason: 'ContainerCreating' }
  if (!previous && waiting && !status?.lastState?.terminated) {
    throw badRequest(`container ${about} is waiting to start: ${waiting.reason || 'no logs yet'}`)
  }
}
