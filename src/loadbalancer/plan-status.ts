/** What the load balancer writes to a Service: strategic patches of its status, with the finalizer. */
import type { Condition } from '#api/condition.ts'
import {
  addressCondition,
  allocatedIps,
  findCondition,
  reachableCondition,
  renderAllocatedIps,
} from '#api/load-balancer-address.ts'
import type { Service } from '#api/service.ts'
import { cleanupFinalizer, hasFinalizer } from './select-wishes.ts'

/** A condition before it gets its time. */
export interface Finding {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

export type StatusPatch = Readonly<Record<string, unknown>>

export const announcedIps = ({ status }: Service): readonly string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []))

export const sameIps = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((ip) => b.includes(ip))

/** Whether the Service says that it has these addresses, and nothing else stands in its status. */
export function isRecorded(service: Service, ips: readonly string[]): boolean {
  const announced = announcedIps(service)
  return (
    hasFinalizer(service) && sameIps(allocatedIps(service), ips) && (announced.length === 0 || sameIps(announced, ips))
  )
}

/** Says which addresses the Service has, before they work; what it announced before is taken back. */
export function planRecord(service: Service, ips: readonly string[], nowMs: number): StatusPatch {
  const isSame = sameIps(announcedIps(service), ips)
  return {
    ...(!hasFinalizer(service) && { metadata: { finalizers: [cleanupFinalizer] } }),
    status: {
      ...(!isSame && { loadBalancer: { ingress: null } }),
      conditions: [
        condition(service, addressFinding(ips), nowMs),
        ...(isSame
          ? []
          : [condition(service, unreachable('NotTried', 'The addresses have not been tried yet'), nowMs)]),
      ],
    },
  }
}

const addressFinding = (ips: readonly string[]): Finding => ({
  type: addressCondition,
  status: 'True',
  reason: 'Allocated',
  message: renderAllocatedIps(ips),
})

export const unreachable = (reason: string, message: string): Finding => ({
  type: reachableCondition,
  status: 'False',
  reason,
  message,
})

/** Undefined when the Service says so already. */
export function planFinding(service: Service, finding: Finding, nowMs: number): StatusPatch | undefined {
  if (holds(service, finding)) return undefined
  return { status: { conditions: [condition(service, finding, nowMs)] } }
}

/** The addresses work: now everybody may know them. */
export function planAnnouncement(
  service: Service,
  ips: readonly string[],
  verdict: { readonly reason: string; readonly message: string },
  nowMs: number,
): StatusPatch {
  const { status } = planAddresses(ips)
  const finding: Finding = { type: reachableCondition, status: 'True', ...verdict }
  return { status: { ...status, conditions: [condition(service, finding, nowMs)] } }
}

/** The same where nobody can try them. */
export const planAddresses = (ips: readonly string[]) => ({
  status: { loadBalancer: { ingress: ips.map((ip) => ({ ip, ipMode: 'VIP' })) } },
})

/** There is no address to be had: what stands in the status goes. Undefined when the Service says so already. */
export function planRefusal(
  service: Service,
  refusal: { readonly reason: string; readonly message: string },
  nowMs: number,
): StatusPatch | undefined {
  const finding: Finding = { type: addressCondition, status: 'False', ...refusal }
  if (announcedIps(service).length === 0 && holds(service, finding)) return undefined
  return {
    status: {
      loadBalancer: { ingress: null },
      conditions: [condition(service, finding, nowMs), ...withoutConditions(service, [reachableCondition])],
    },
  }
}

/** Takes back everything. Undefined when nothing of ours is there. */
export function planCleanup(service: Service): StatusPatch | undefined {
  const conditions = withoutConditions(service, [addressCondition, reachableCondition])
  if (conditions.length === 0 && !hasFinalizer(service)) return undefined
  return {
    ...(hasFinalizer(service) && { metadata: { '$deleteFromPrimitiveList/finalizers': [cleanupFinalizer] } }),
    status: {
      ...(announcedIps(service).length > 0 && { loadBalancer: { ingress: null } }),
      ...(conditions.length > 0 && { conditions }),
    },
  }
}

function withoutConditions(service: Service, types: readonly string[]): object[] {
  return types.flatMap((type) => (findCondition(service, type) ? [{ $patch: 'delete', type }] : []))
}

function holds(service: Service, { type, status, reason, message }: Finding): boolean {
  const had = findCondition(service, type)
  return had?.status === status && had.reason === reason && had.message === message
}

function condition(service: Service, finding: Finding, nowMs: number): Condition {
  const had = findCondition(service, finding.type)
  const lastTransitionTime =
    had?.status === finding.status ? had.lastTransitionTime : new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z')
  return { ...finding, lastTransitionTime }
}
