/** Loads a chain and an anonymous map per Service into the empty kernel it is run in (run-alone.ts), by `nft -f`. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findProgram } from '#kernel/find-program.ts'
import { makeService } from './make-service.ts'
import { renderChainPerService } from './render-chain-per-service.ts'

export interface ChainPerServiceLoad {
  readonly wallMs: number
  /** Of the program `nft`, user and system. */
  readonly cpuMs: number
  /** Chains of Services that the kernel has afterwards. */
  readonly chains: number
}

export interface ChainPerServiceSize {
  readonly services: number
  readonly endpointsEach: number
}

export function loadChainPerService({ services, endpointsEach }: ChainPerServiceSize): ChainPerServiceLoad {
  const objects = Array.from({ length: services }, (_, index) => makeService(index, endpointsEach))
  const input = renderChainPerService(objects, { podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12' })
  const nft = findProgram('nft')
  const cpuBefore = cpuOfChildrenMs()
  const begun = performance.now()
  execFileSync(nft, ['-f', '-'], { input, stdio: ['pipe', 'ignore', 'inherit'] })
  const wallMs = performance.now() - begun
  const cpuMs = cpuOfChildrenMs() - cpuBefore
  const listing = execFileSync(nft, ['list', 'chains', 'ip'], { maxBuffer: 2 ** 30, encoding: 'utf8' })
  return { wallMs, cpuMs, chains: listing.match(/^\s*chain service-/gm)?.length ?? 0 }
}

/** Of children that have ended and were waited for, in the kernel's steps of 10 ms. */
function cpuOfChildrenMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[13]) + Number(fields[14])) * 10
}
