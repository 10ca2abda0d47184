/** `loadBalancer` in the config file: pools of addresses, or false, and whether pools of clusters meet. */
import { parseAddressPool, poolsOverlap } from '#lib/address-pool.ts'
import { type ClusterRecord, type LoadBalancerChoice, loadBalancerPools } from './cluster-record.ts'

/** `false`: addresses are somebody else's business, for example MetalLB's. */
export function parseLoadBalancer(value: unknown, findings: string[]): LoadBalancerChoice {
  if (value === false) return false
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    findings.push('loadBalancer: must be false or {pool: [RANGE, …]}')
    return false
  }
  const { pool, ...unknown } = value as Record<string, unknown>
  findings.push(...Object.keys(unknown).map((key) => `loadBalancer.${key}: unknown field`))
  if (!Array.isArray(pool) || pool.length === 0) {
    findings.push('loadBalancer.pool: must be a list of ranges, as 172.30.128.0/24 or 10.0.0.5-10.0.0.9')
    return false
  }
  const texts = pool.map(String)
  findings.push(...texts.flatMap((text, index) => poolProblem(text, texts.slice(0, index), index) ?? []))
  return { pools: texts }
}

function poolProblem(text: string, earlier: readonly string[], index: number): string | undefined {
  const path = `loadBalancer.pool[${index}]`
  const pool = parseAddressPool(text)
  if (!pool) return `${path}: ${JSON.stringify(text)} is no range, as 172.30.128.0/24 or 10.0.0.5-10.0.0.9`
  const other = earlier.find((one) => areMeeting(one, text))
  return other === undefined ? undefined : `${path}: ${text} overlaps with ${other}`
}

/** The cluster whose pools meet those asked for. */
export function findSharedPool(
  choice: LoadBalancerChoice | undefined,
  others: readonly ClusterRecord[],
): { readonly pool: string; readonly other: ClusterRecord } | undefined {
  for (const pool of choice ? choice.pools : []) {
    const other = others.find((record) => loadBalancerPools(record).some((theirs) => areMeeting(theirs, pool)))
    if (other) return { pool, other }
  }
  return undefined
}

function areMeeting(a: string, b: string): boolean {
  const [one, other] = [parseAddressPool(a), parseAddressPool(b)]
  return one !== undefined && other !== undefined && poolsOverlap(one, other)
}
