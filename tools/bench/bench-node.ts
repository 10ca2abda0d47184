/** A node and two pods on it, laid out by the product's own network code, in nameless namespaces of this process. */
import { checked, close, open, setns, unshare } from '#kernel/libc.ts'
import { CLONE_NEWNET, inNetns, type ThreadHome } from '#kernel/namespaces.ts'
import { applyNetwork } from '#kernel/route/apply-network.ts'
import {
  desiredNode,
  desiredPod,
  desiredPodLink,
  desiredUnderlay,
  desiredUnderlayPort,
  type DesiredNetns,
} from '#kernel/route/desired-network.ts'
import { planAddresses, planNode } from '#lib/address-plan.ts'

const O_CLOEXEC = 0x80000
const parties = ['underlay', 'node', 'client', 'server'] as const
export type Party = (typeof parties)[number]

export const plan = planAddresses(0)
export const node = planNode(plan, 1)
export const podIps = { client: '10.244.1.2', server: '10.244.1.3' } as const
/** Leads to the same pod, so that a Service has two endpoints and one listener. */
export const otherServerIp = '10.244.1.4'

export interface BenchNode extends Disposable {
  /** Runs synchronous work in that party's namespace. */
  within<T>(party: Party, run: () => T): T
}

export function openBenchNode(home: ThreadHome): BenchNode {
  const fds = new Map(parties.map((party) => [party, makeNetns(home)]))
  const path = (party: Party): string => `/proc/self/fd/${fds.get(party)}`
  const apply = (desired: DesiredNetns): void => {
    const opened: number[] = []
    inNetns(home, desired.path, () =>
      applyNetwork(desired, (peer) => {
        const fd = checked('open network namespace', open(peer, O_CLOEXEC, 0))
        opened.push(fd)
        return { fd }
      }),
    )
    for (const fd of opened) close(fd)
  }
  apply(desiredUnderlay(plan, path('underlay')))
  apply(desiredNode(plan, node, { netns: path('node'), underlay: path('underlay') }, [node]))
  apply(desiredUnderlayPort(plan, node, path('underlay')))
  for (const pod of ['client', 'server'] as const) {
    apply(desiredPodLink(podIps[pod], { node: path('node'), pod: path(pod) }))
    const { sysctls, ...rest } = desiredPod(podIps[pod], path(pod))
    // Many connections in a short time: a port is not used again before its last connection is forgotten.
    apply({ ...rest, sysctls: { ...sysctls, 'ipv4/ip_local_port_range': '1024 65535' } })
  }
  const link = desiredPodLink(podIps.server, { node: path('node'), pod: path('server') })
  const linkIndex = link.links[0]!.index
  const neighbours = link.neighbours.map((neighbour) => ({ ...neighbour, ip: otherServerIp }))
  apply({ ...link, links: [], routes: [{ to: `${otherServerIp}/32`, linkIndex }], neighbours })
  apply(withAddress(desiredPod(podIps.server, path('server')), otherServerIp))
  return {
    within: (party, run) => inNetns(home, path(party), run),
    [Symbol.dispose]: () => {
      for (const fd of fds.values()) close(fd)
    },
  }
}

function withAddress(pod: DesiredNetns, ip: string): DesiredNetns {
  const links = pod.links.map((link) => (link.name === 'eth0' ? { ...link, addresses: [`${ip}/32`] } : link))
  return { path: pod.path, sysctls: {}, links, routes: [], neighbours: [] }
}

function makeNetns(home: ThreadHome): number {
  checked('make a network namespace', unshare(CLONE_NEWNET))
  try {
    return checked('open network namespace', open('/proc/thread-self/ns/net', O_CLOEXEC, 0))
  } finally {
    checked('leave network namespace', setns(home.net, CLONE_NEWNET))
  }
}
