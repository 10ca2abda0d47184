/** How far a Deployment may stray from its size while it rolls out. Pure. */
import type { Deployment } from '#api/deployment.ts'
import { resolveIntOrPercent } from '../resolve-int-or-percent.ts'

export interface RolloutLimits {
  readonly replicas: number
  readonly maxSurge: number
  readonly maxUnavailable: number
}

/** Surge rounds up, unavailability down; when both come to nothing one pod may be missing, or it would never move. */
export function rolloutLimits({ spec }: Deployment): RolloutLimits {
  const { replicas = 1, strategy } = spec
  if (strategy?.type === 'Recreate') return { replicas, maxSurge: 0, maxUnavailable: 0 }
  const { maxSurge: surge = '25%', maxUnavailable: unavailable = '25%' } = strategy?.rollingUpdate ?? {}
  const maxSurge = resolveIntOrPercent(surge, replicas, 'up')
  const resolved = resolveIntOrPercent(unavailable, replicas, 'down')
  const maxUnavailable = maxSurge === 0 && resolved === 0 ? 1 : resolved
  return { replicas, maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) }
}
