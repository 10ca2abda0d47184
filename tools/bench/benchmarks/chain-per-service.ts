import { type Benchmark, type Line, pairRatios } from '../benchmark.ts'
import { isInstalled } from '../installed.ts'
import type { ChainPerServiceLoad } from '../load-chain-per-service.ts'
import type { RoutesLoad } from '../load-routes.ts'
import { controlPlaneFlags } from '#cli/control-plane-flags.ts'
import { runAlone } from '../run-alone.ts'
import { single, summarize } from '../statistics.ts'

const endpointsEach = 2
/** The buffer of its socket is limited (net.core.wmem_max), and `nft` sends a file as one message. */
const tooLongForUsers = 'nft of an ordinary user cannot load so many rules at once; run as root'

export const chainPerService: Benchmark = {
  name: 'nft',
  title: 'First sync against a chain per Service',
  method: `
The same 10,000 Services with two endpoints, into an empty kernel each time, in turn: rules in the shape that kube-proxy of
Kubernetes 1.36 writes (a chain and an anonymous map for each Service port; the rules are generated here, kube-proxy itself
is not run), loaded by \`nft -f\`; and this proxy's first sync, from API objects in memory to the commit, in a fresh process. \`nft\` counts
what is there afterwards. The first is the time of \`nft\` alone: that a proxy needs time to write the rules is not counted.`,
  run: async ({ runs, isSmall }) => {
    if (!isInstalled('nft')) return [{ what: 'nft -f', notMeasured: 'nft is not installed' }]
    const isRoot = process.getuid?.() === 0
    if (!isSmall && !isRoot) return [{ what: 'nft -f', notMeasured: tooLongForUsers }]
    const services = isSmall ? (isRoot ? 500 : 50) : 10_000
    const args = [{ services, endpointsEach }]
    const [theirs, ours]: [ChainPerServiceLoad[], RoutesLoad[]] = [[], []]
    for (let run = 0; run < Math.ceil(runs / 4); run++) {
      theirs.push(await runAlone({ module: 'load-chain-per-service.ts', name: 'loadChainPerService', args }))
      ours.push(await runAlone({ module: 'load-routes.ts', name: 'loadRoutes', args, nodeOptions: controlPlaneFlags }))
    }
    return linesOf(services, theirs, ours)
  },
}

function linesOf(services: number, theirs: readonly ChainPerServiceLoad[], ours: readonly RoutesLoad[]): Line[] {
  const [theirMs, ourMs] = [theirs.map(({ wallMs }) => wallMs), ours.map(({ wallMs }) => wallMs)]
  const cpu = (values: readonly number[]) => ({ value: summarize(values).median, unit: 'ms' }) as const
  const [theirCpu, ourCpu] = [theirs.map(({ cpuMs }) => cpuMs), ours.map(({ cpuMs }) => cpuMs)]
  const missing = (loaded: readonly number[]) => single(loaded.reduce((sum, count) => sum + services - count, 0))
  const [theirMissing, ourMissing] = [theirs.map(({ chains }) => chains), ours.map(({ fronts }) => fronts)].map(missing)
  const size = `${services} Services × ${endpointsEach} endpoints`
  return [
    { what: `nft -f, ${size}`, unit: 'ms', measured: summarize(theirMs), cpuPerOperation: cpu(theirCpu) },
    { what: `frontdesk, ${size}`, unit: 'ms', measured: summarize(ourMs), cpuPerOperation: cpu(ourCpu) },
    {
      what: '— how many times as fast: nft -f ÷ frontdesk',
      unit: '×',
      measured: pairRatios(theirMs, ourMs),
      goal: { atLeast: 100 },
    },
    { what: '— the same in processor time', unit: '×', measured: pairRatios(theirCpu, ourCpu) },
    { what: 'Services missing after nft -f', unit: '', measured: theirMissing!, goal: { atMost: 0 }, isPromise: true },
    { what: 'Services missing after frontdesk', unit: '', measured: ourMissing!, goal: { atMost: 0 }, isPromise: true },
  ]
}
