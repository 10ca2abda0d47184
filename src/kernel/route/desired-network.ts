/**
 * What each network namespace of a cluster shall contain, as values (docs/architecture.md, Networks). Link indexes and
 * hardware addresses are chosen here, so that making it so needs no look-up and doing it twice changes nothing.
 */
import { nthAddress, parseCidr, parseIp } from '#lib/ip.ts'
import { type AddressPlan, loadBalancerCidrs, type NodeAddresses, podCidrs } from '#lib/address-plan.ts'
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
const podGatewayIpv6 = 'fe80::1'
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
  // The defaults but for "unreachable": its limits, per destination and for the namespace as a whole (icmp_msgs_burst),
  // would turn refusals into silence.
  'ipv4/icmp_ratemask': '6160',
}

const ipv6 = {
  'ipv6/conf/all/disable_ipv6': '0',
  'ipv6/conf/default/disable_ipv6': '0',
  // Links get the addresses that are given here, and no others: with a link-local one the kernel would send redirects,
  // which lead around what the underlay decides. Neighbours cannot be asked for without it: all are permanent.
  'ipv6/conf/default/addr_gen_mode': '1',
}
const forwardingIpv6 = { ...ipv6, 'ipv6/conf/all/forwarding': '1', 'ipv6/icmp/ratemask': '0,2-127' }
const forwardingOf = (plan: AddressPlan) => ({ ...forwarding, ...(plan.ipv6 && forwardingIpv6) })

export function desiredUnderlay(plan: AddressPlan, netns: string): DesiredNetns {
  const addresses = onUnderlay(plan, plan.controlPlaneIp, plan.ipv6?.controlPlaneIp)
  return {
    path: netns,
    sysctls: forwardingOf(plan),
    links: [
      loopback,
      {
        name: 'ul0',
        index: bridgeIndex,
        mac: macFor(plan.controlPlaneIp, 'near'),
        addresses,
        kind: { type: 'bridge' },
      },
    ],
    routes: [],
    neighbours: hostNeighbour(bridgeIndex, plan),
  }
}

/** Addresses of one link to the underlay, with the lengths of its prefixes. */
function onUnderlay(plan: AddressPlan, ip: string, ip6: string | undefined): string[] {
  const withLength = (address: string, cidr: string): string => `${address}/${cidr.split('/')[1]}`
  const ipv6Address = plan.ipv6 && ip6 !== undefined ? [withLength(ip6, plan.ipv6.underlayCidr)] : []
  return [withLength(ip, plan.underlayCidr), ...ipv6Address]
}

/** Who has which IPv6 address on the underlay, as one of its links knows it. */
const ipv6Neighbours = (linkIndex: number, nodes: readonly NodeAddresses[]): DesiredNetns['neighbours'] =>
  nodes.flatMap(({ internalIp, ipv6: more }) =>
    more ? [{ linkIndex, ip: more.internalIp, mac: macFor(internalIp, 'near') }] : [],
  )

const controlPlaneNeighbour = (linkIndex: number, plan: AddressPlan): DesiredNetns['neighbours'] =>
  plan.ipv6 ? [{ linkIndex, ip: plan.ipv6.controlPlaneIp, mac: macFor(plan.controlPlaneIp, 'near') }] : []

/** The host is there only where its user may give it a link. */
const hostNeighbour = (linkIndex: number, plan: AddressPlan): DesiredNetns['neighbours'] => {
  const [ip, ip6] = hostAddresses(plan)
  return ip6 === undefined ? [] : [{ linkIndex, ip: ip6, mac: macFor(ip, 'near') }]
}

const secondOf = (cidr: string): string => nthAddress(parseCidr(cidr)!, 2)
const hostAddresses = ({ underlayCidr, ipv6: more }: AddressPlan): readonly [string, string?] =>
  more ? [secondOf(underlayCidr), secondOf(more.underlayCidr)] : [secondOf(underlayCidr)]

/** The ways to a node's pods, of both families. */
const podRangeRoutes = ({ podCidr, internalIp, ipv6: more }: NodeAddresses): Route[] => [
  { to: podCidr, via: internalIp },
  ...(more ? [{ to: more.podCidr, via: more.internalIp }] : []),
]

const serviceRoutes = (plan: AddressPlan, node: NodeAddresses): Route[] => [
  { to: plan.serviceCidr, via: node.internalIp },
  ...(plan.ipv6 && node.ipv6 ? [{ to: plan.ipv6.serviceCidr, via: node.ipv6.internalIp }] : []),
]

/** What the underlay has for one node: its bridge port, the way to its pods, and for the first node to Services. */
export function desiredUnderlayPort(plan: AddressPlan, node: NodeAddresses, netns: string): DesiredNetns {
  const routes = [...podRangeRoutes(node), ...(node.number === 1 ? serviceRoutes(plan, node) : [])]
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
    neighbours: ipv6Neighbours(bridgeIndex, [node]),
  }
}

/** `others`: the nodes whose pods this node must reach. */
export function desiredNode(
  plan: AddressPlan,
  node: NodeAddresses,
  paths: { readonly netns: string; readonly underlay: string },
  others: readonly NodeAddresses[],
): DesiredNetns {
  const peers = others.filter((other) => other.number !== node.number)
  return {
    path: paths.netns,
    sysctls: {
      ...forwardingOf(plan),
      'ipv4/conf/all/route_localnet': '1',
      'netfilter/nf_conntrack_acct': '1',
      // As kube-proxy sets them: idle connections stay for a day, those that one side has closed for an hour.
      'netfilter/nf_conntrack_tcp_timeout_established': '86400',
      'netfilter/nf_conntrack_tcp_timeout_close_wait': '3600',
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
        addresses: onUnderlay(plan, node.internalIp, node.ipv6?.internalIp),
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
      ...(plan.ipv6 ? [{ to: 'default', via: plan.ipv6.controlPlaneIp }] : []),
      // An address of this node that no pod has is refused here, instead of going round by the default route.
      ...podCidrs(node).map((to) => ({ to, unreachable: true as const })),
      ...peers.flatMap(podRangeRoutes),
    ],
    neighbours: [
      ...controlPlaneNeighbour(uplinkIndex, plan),
      ...hostNeighbour(uplinkIndex, plan),
      ...ipv6Neighbours(uplinkIndex, peers),
    ],
  }
}

/** A pod's addresses: the IPv4 one, from which numbers and hardware addresses follow, and perhaps one of IPv6. */
export function podRoutes(podIp: string, podIp6?: string): Route[] {
  const linkIndex = podIndexBase + podNumber(podIp)
  return [{ to: `${podIp}/32`, linkIndex }, ...(podIp6 === undefined ? [] : [{ to: `${podIp6}/128`, linkIndex }])]
}

function podNumber(podIp: string): number {
  const bytes = parseIp(podIp)?.bytes
  if (bytes?.length !== 4) throw new Error(`Cannot use as a pod's address: ${JSON.stringify(podIp)}`)
  return (bytes[2]! << 8) | bytes[3]!
}

export function desiredPod(podIp: string, netns: string, podIp6?: string): DesiredNetns {
  const nodeMac = macFor(podIp, 'far')
  const addresses = podRoutes(podIp, podIp6).map(({ to }) => to)
  const gateways = [podGateway, ...(podIp6 === undefined ? [] : [podGatewayIpv6])]
  return {
    path: netns,
    sysctls: {
      'ipv4/ip_unprivileged_port_start': '0',
      'ipv4/ping_group_range': '0 2147483647',
      // The link is there before its namespace's defaults are set.
      ...(podIp6 !== undefined && { ...ipv6, 'ipv6/conf/eth0/addr_gen_mode': '1' }),
    },
    links: [loopback, { name: 'eth0', index: uplinkIndex, addresses, kind: { type: 'veth-end' } }],
    routes: [
      { to: `${podGateway}/32`, linkIndex: uplinkIndex },
      ...gateways.map((via) => ({ to: 'default', via, linkIndex: uplinkIndex })),
    ],
    neighbours: gateways.map((ip) => ({ linkIndex: uplinkIndex, ip, mac: nodeMac })),
  }
}

/** What the node has for one pod: its end of the link and the ways to the pod. */
export function desiredPodLink(
  podIp: string,
  paths: { readonly node: string; readonly pod: string },
  podIp6?: string,
): DesiredNetns {
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
    routes: podRoutes(podIp, podIp6),
    neighbours: [podIp, ...(podIp6 === undefined ? [] : [podIp6])].map((ip) => ({ linkIndex: index, ip, mac })),
  }
}

/** The host's own way in, for a privileged cluster: a port of the underlay's bridge in the host's namespace. */
export function desiredHostAccess(
  plan: AddressPlan,
  nodes: readonly NodeAddresses[],
  paths: { readonly host: string; readonly underlay: string },
): { readonly host: DesiredNetns; readonly underlay: DesiredNetns } {
  const [address, address6] = hostAddresses(plan)
  const index = 0x00fd00 + plan.index
  const name = hostLinkName(plan)
  const peer = { netns: paths.underlay, name: 'host0', index: uplinkIndex, mac: macFor(address, 'far') }
  const first = nodes.find((node) => node.number === 1)
  return {
    host: {
      path: paths.host,
      // Whatever the host does with its other links.
      sysctls: plan.ipv6 ? { [`ipv6/conf/${name}/disable_ipv6`]: '0' } : {},
      links: [
        {
          name,
          index,
          mac: macFor(address, 'near'),
          addresses: onUnderlay(plan, address, address6),
          kind: { type: 'veth', peer },
        },
      ],
      routes: [
        ...nodes.flatMap(podRangeRoutes),
        ...(first ? serviceRoutes(plan, first) : []),
        // The underlay knows which node takes which address.
        ...loadBalancerCidrs(plan).flatMap((to) => {
          const via = to.includes(':') ? plan.ipv6?.controlPlaneIp : plan.controlPlaneIp
          return via === undefined ? [] : [{ to, via }]
        }),
      ],
      neighbours: [...controlPlaneNeighbour(index, plan), ...ipv6Neighbours(index, nodes)],
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
