/** How to find out that an address works: what to dial, and what the answers mean. */
import type { Service } from '#api/service.ts'
import { cidrContains, parseCidr, parseIp } from '#lib/ip.ts'
import type { HeldService } from './plan-targets.ts'

export interface Proof {
  /** A TCP port of the Service; undefined when it has none, or its source ranges keep us out. */
  readonly servicePort: number | undefined
  /** A TCP port that no Service has at this address: a node that knows the address refuses it. */
  readonly strayPort: number
  /** Whether something is behind the Service that should answer. */
  readonly hasEndpoints: boolean
}

export type Answer = 'connected' | 'refused'

export function planProof(held: HeldService, sharing: readonly HeldService[], dialsFrom: string): Proof {
  const { service, slices } = held
  const taken = new Set([held, ...sharing].flatMap((one) => (one.service.spec.ports ?? []).map(({ port }) => port)))
  let strayPort = 65_535
  while (taken.has(strayPort)) strayPort--
  const tcp = (service.spec.ports ?? []).find(({ protocol = 'TCP' }) => protocol === 'TCP')
  const servicePort = tcp && mayDial(service, dialsFrom) ? tcp.port : undefined
  return { servicePort, strayPort, hasEndpoints: hasReadyEndpoints(slices) }
}

export const hasReadyEndpoints = (slices: HeldService['slices']): boolean =>
  slices.some(({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready !== false))

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'

function mayDial({ metadata, spec }: Service, from: string): boolean {
  const texts = spec.loadBalancerSourceRanges ?? metadata.annotations?.[sourceRangesAnnotation]?.split(',') ?? []
  const ranges = texts.flatMap((text) => parseCidr(text.trim()) ?? [])
  const address = parseIp(from)
  return ranges.length === 0 || (address !== undefined && ranges.some((range) => cidrContains(range, address)))
}

/** Nothing was behind the Service when it was tried. */
export const refusedForNow = 'NoEndpoints'

export interface Verdict {
  readonly reason: 'Connected' | 'Refused' | 'Routed' | typeof refusedForNow
  readonly message: string
}

export interface Answered {
  readonly port: number
  readonly answer: Answer
}

/** `via`: name of the node that took the connection. */
export function renderVerdict(ip: string, proof: Proof, { port: answered, answer }: Answered, via: string): Verdict {
  const at = `${ip.includes(':') ? `[${ip}]` : ip}:${answered}`
  if (answered !== proof.servicePort) {
    const message = `${via} routes ${ip} (it refuses port ${answered}, which no Service has there)`
    return { reason: 'Routed', message }
  }
  if (answer === 'connected') return { reason: 'Connected', message: `Connected to ${at} through ${via}` }
  const why = proof.hasEndpoints ? '' : ' as nothing is behind it'
  const reason = proof.hasEndpoints ? 'Refused' : refusedForNow
  return { reason, message: `${via} routes ${ip}; ${at} refuses connections${why}` }
}
