/**
 * What each network namespace of a cluster shall contain, as values (docs/architecture.md, Networks). Link indexes and
 * hardware addresses are chosen here, so that making it so needs no look-up and doing it twice changes nothing.
 */
import { nthAddress, parseCidr, parseIp } from '#lib/ip.ts'
import { type AddressPlan, loadBalancerCidrs, type NodeAddresses } from '#lib/address-plan.ts'
import type { Route } from './route-messages.ts'

export interface DesiredLink {
  readonly name: string
  readonly index: number
  readonly mac?: string
  readonly addresses: readonly string[]
  readonly kind:
    | { readonly type: 'loopback' }
    | { readonly type: 'bridge' }
    /** The far end of a veth that another namespace's entry makes. */
    | { readonly type: 'veth-end'; readonly masterIndex?: number }
    | {
        readonly type: 'veth'
        readonly peer: { readonly netns: string; readonly name: string; readonly index: number; readonly mac: string }
      }
}

export interface DesiredNetns {
  /** Path of the namespace file. */
  readonly path: string
  /** Below /proc/sys/net; those that this kernel does not have are left out. */
  readonly sysctls: Readonly<Record<string, string>>
  readonly links: readonly DesiredLink[]
  readonly routes: readonly Route[]
  readonly neighbours: readonly { readonly linkIndex: number; readonly ip: string; readonly mac: string }[]
}

export const podGateway = '169.254.1.1'
const loopback: DesiredLink = { name: 'lo', index: 1, addresses: [], kind: { type: 'loopback' } }
// The kernel puts devices of its own into new namespaces (ifb0, ifb1): ours are numbered out of their way.
const bridgeIndex = 50
const uplinkIndex = 51
const nodePortIndexBase = 100
const podIndexBase = 1000

/** A hardware address that follows from an IPv4 address; `side` tells the two ends of a link apart. */
export function macFor(ip: string, side: 'near' | 'far'): string {
  const bytes = parseIp(ip)?.bytes
  if (bytes?.length !== 4) throw new Error(`Cannot derive a hardware address from ${JSON.stringify(ip)}`)
  return [2, side === 'near' ? 0xfd : 0xfe, ...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

const forwarding = {
  'ipv4/ip_forward': '1',
  'ipv4/conf/all/rp_filter': '0',
  'ipv4/conf/default/rp_filter': '0',
  // A redirect uses up the allowance for the ICMP error that tells a client of a Service without endpoints.
  'ipv4/conf/all/send_redirects': '0',
  'ipv4/conf/default/send_redirects': '0',
  'ipv4/icmp_ratelimit': '0',
}

export function desiredUnderlay(plan: AddressPlan, netns: string): DesiredNetns {
  const prefix = plan.underlayCidr.split('/')[1]
  return {
    path: netns,
    sysctls: forwarding,
    links: [
      loopback,
      { name: 'ul0', index: bridgeIndex, addresses: [`${plan.controlPlaneIp}/${prefix}`], kind: { type: 'bridge' } },
    ],
    routes: [],
    neighbours: [],
  }
}

/** What the underlay has for one node: its bridge port, the way to its pods, and for the first node to Services. */
export function desiredUnderlayPort(plan: AddressPlan, node: NodeAddresses, netns: string): DesiredNetns {
  const routes: Route[] = [{ to: node.podCidr, via: node.internalIp }]
  if (node.number === 1) routes.push({ to: plan.serviceCidr, via: node.internalIp })
  return {
    path: netns,
    sysctls: {},
    links: [
      {
        name: `node${node.number}`,
        index: nodePortIndexBase + node.number,
        addresses: [],
        kind: { type: 'veth-end', masterIndex: bridgeIndex },
      },
    ],
    routes,
    neighbours: [],
  }
}

/** `others`: the nodes whose pods this node must reach. */
export function desiredNode(
  plan: AddressPlan,
  node: NodeAddresses,
  paths: { readonly netns: string; readonly underlay: string },
  others: readonly NodeAddresses[],
): DesiredNetns {
  const prefix = plan.underlayCidr.split('/')[1]
  return {
    path: paths.netns,
    sysctls: {
      ...forwarding,
      'ipv4/conf/all/route_localnet': '1',
      'netfilter/nf_conntrack_acct': '1',
      // Node ports must not be taken by outgoing connections of the node.
      'ipv4/ip_local_port_range': '32768 60999',
      'ipv4/ip_local_reserved_ports': '30000-32767',
    },
    links: [
      loopback,
      {
        name: 'eth0',
        index: uplinkIndex,
        mac: macFor(node.internalIp, 'near'),
        addresses: [`${node.internalIp}/${prefix}`],
        kind: {
          type: 'veth',
          peer: {
            netns: paths.underlay,
            name: `node${node.number}`,
            index: nodePortIndexBase + node.number,
            mac: macFor(node.internalIp, 'far'),
          },
        },
      },
    ],
    routes: [
      { to: 'default', via: plan.controlPlaneIp },
      // An address of this node that no pod has is refused here, instead of going round by the default route.
      { to: node.podCidr, unreachable: true },
      ...others
        .filter((other) => other.number !== node.number)
        .map((other) => ({ to: other.podCidr, via: other.internalIp })),
    ],
    neighbours: [],
  }
}

export function podRoute(podIp: string): Route {
  return { to: `${podIp}/32`, linkIndex: podIndexBase + podNumber(podIp) }
}

function podNumber(podIp: string): number {
  const bytes = parseIp(podIp)?.bytes
  if (bytes?.length !== 4) throw new Error(`Cannot use as a pod's address: ${JSON.stringify(podIp)}`)
  return (bytes[2]! << 8) | bytes[3]!
}

export function desiredPod(podIp: string, netns: string): DesiredNetns {
  const nodeMac = macFor(podIp, 'far')
  return {
    path: netns,
    sysctls: { 'ipv4/ip_unprivileged_port_start': '0', 'ipv4/ping_group_range': '0 2147483647' },
    links: [loopback, { name: 'eth0', index: uplinkIndex, addresses: [`${podIp}/32`], kind: { type: 'veth-end' } }],
    routes: [
      { to: `${podGateway}/32`, linkIndex: uplinkIndex },
      { to: 'default', via: podGateway, linkIndex: uplinkIndex },
    ],
    neighbours: [{ linkIndex: uplinkIndex, ip: podGateway, mac: nodeMac }],
  }
}

/** What the node has for one pod: its end of the link and the way to the pod. */
export function desiredPodLink(podIp: string, paths: { readonly node: string; readonly pod: string }): DesiredNetns {
  const index = podIndexBase + podNumber(podIp)
  const mac = macFor(podIp, 'near')
  return {
    path: paths.node,
    sysctls: {},
    links: [
      {
        name: `pod${podNumber(podIp)}`,
        index,
        mac: macFor(podIp, 'far'),
        addresses: [],
        kind: { type: 'veth', peer: { netns: paths.pod, name: 'eth0', index: uplinkIndex, mac } },
      },
    ],
    routes: [podRoute(podIp)],
    neighbours: [{ linkIndex: index, ip: podIp, mac }],
  }
}

/** The host's own way in, for a privileged cluster: a port of the underlay's bridge in the host's namespace. */
export function desiredHostAccess(
  plan: AddressPlan,
  nodes: readonly NodeAddresses[],
  paths: { readonly host: string; readonly underlay: string },
): { readonly host: DesiredNetns; readonly underlay: DesiredNetns } {
  const underlay = parseCidr(plan.underlayCidr)!
  const address = nthAddress(underlay, 2)
  const index = 0x00fd00 + plan.index
  const name = hostLinkName(plan)
  const peer = { netns: paths.underlay, name: 'host0', index: uplinkIndex, mac: macFor(address, 'far') }
  const first = nodes.find((node) => node.number === 1)
  return {
    host: {
      path: paths.host,
      sysctls: {},
      links: [
        {
          name,
          index,
          mac: macFor(address, 'near'),
          addresses: [`${address}/${underlay.prefixLength}`],
          kind: { type: 'veth', peer },
        },
      ],
      routes: [
        ...nodes.map((node) => ({ to: node.podCidr, via: node.internalIp })),
        ...(first ? [{ to: plan.serviceCidr, via: first.internalIp }] : []),
        // The underlay knows which node takes which address.
        ...loadBalancerCidrs(plan).map((to) => ({ to, via: plan.controlPlaneIp })),
      ],
      neighbours: [],
    },
    underlay: {
      path: paths.underlay,
      sysctls: {},
      links: [
        { name: 'host0', index: uplinkIndex, addresses: [], kind: { type: 'veth-end', masterIndex: bridgeIndex } },
      ],
      routes: [],
      neighbours: [],
    },
  }
}

export function hostLinkName(plan: AddressPlan): string {
  return `fd-${plan.index}`
}
