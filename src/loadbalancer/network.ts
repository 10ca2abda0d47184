/** What the load balancer needs of a network: to lead addresses to nodes, and to try them. */
import type { Answer } from './plan-proof.ts'

export interface LoadBalancerNetwork {
  /** Where the address leads now: a node's address. */
  viaOf(ip: string): string | undefined
  /** Leads the address to the node that has `via`; undefined: to nobody, clients learn that it cannot be reached. */
  announce(ip: string, via: string | undefined): void
  /** Addresses that lead somewhere, also those that an earlier run announced. */
  announced(): readonly string[]
  /** Tries a TCP connection along the announced way. Rejects when neither answer comes before the signal aborts. */
  dial(ip: string, port: number, signal: AbortSignal): Promise<Answer>
  /** The source address of connections to that address. */
  dialsFrom(ip: string): string
}
