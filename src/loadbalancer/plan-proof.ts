/** How to find out that an address works: what to dial, and what the answers mean. */
import type { Service } from '#api/service.ts'
import { cidrContains, parseCidr, parseIp } from '#lib/ip.ts'

export interface Proof {
  /** A TCP port of the Service; undefined when it has none, or its source ranges keep us out. */
  readonly servicePort: number | undefined
  /** A TCP port that no Service has at this address: a node that knows the address refuses it. */
  readonly strayPort: number
}

export type Answer = 'connected' | 'refused'

export function planProof(service: Service, sharing: readonly Service[], dialsFrom: string): Proof {
  const taken = new Set([service, ...sharing].flatMap(({ spec }) => (spec.ports ?? []).map(({ port }) => port)))
  let strayPort = 65_535
  while (taken.has(strayPort)) strayPort--
  const tcp = (service.spec.ports ?? []).find(({ protocol = 'TCP' }) => protocol === 'TCP')
  return { servicePort: tcp && mayDial(service, dialsFrom) ? tcp.port : undefined, strayPort }
}

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'

function mayDial({ metadata, spec }: Service, from: string): boolean {
  const texts = spec.loadBalancerSourceRanges ?? metadata.annotations?.[sourceRangesAnnotation]?.split(',') ?? []
  const ranges = texts.flatMap((text) => parseCidr(text.trim()) ?? [])
  const address = parseIp(from)
  return ranges.length === 0 || (address !== undefined && ranges.some((range) => cidrContains(range, address)))
}

export interface Verdict {
  readonly reason: 'Connected' | 'Refused' | 'Routed'
  readonly message: string
}

/** `via`: name of the node that took the connection. */
export function renderVerdict(ip: string, proof: Proof, answered: number, answer: Answer, via: string): Verdict {
  const at = `${ip}:${answered}`
  if (answered !== proof.servicePort) {
    const message = `${via} routes ${ip} (it refuses port ${answered}, which no Service has there)`
    return { reason: 'Routed', message }
  }
  if (answer === 'connected') return { reason: 'Connected', message: `Connected to ${at} through ${via}` }
  return { reason: 'Refused', message: `${via} routes ${ip}; ${at} refuses connections as nothing is behind it` }
}
