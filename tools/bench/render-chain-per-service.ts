/**
 * The rules that a proxy writes which gives each Service port a chain of its own with an anonymous map in it: the shape of
 * kube-proxy's nftables mode of Kubernetes 1.36. Only ClusterIPs; what it does not need for them is left out.
 */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'

export interface ServiceWithEndpoints {
  readonly service: Service
  readonly slice: EndpointSlice
}

export interface ChainPerServiceOptions {
  readonly podCidr: string
  readonly serviceCidr: string
}

export function renderChainPerService(
  services: readonly ServiceWithEndpoints[],
  { podCidr, serviceCidr }: ChainPerServiceOptions,
): string {
  const ports = services.flatMap(portsOf)
  const elements = (items: readonly string[]): string =>
    items.length === 0 ? '' : `    elements = { ${items.join(',\n      ')} }\n`
  return `table ip chain-per-service {
  set cluster-ips {
    type ipv4_addr
${elements([...new Set(ports.map(({ clusterIp }) => clusterIp))])}  }
  set hairpin {
    type ipv4_addr . ipv4_addr . inet_proto . inet_service
${elements(ports.flatMap(({ endpoints, targetPort }) => endpoints.map((ip) => `${ip} . ${ip} . tcp . ${targetPort}`)))}  }
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
${elements(ports.map(({ clusterIp, port, chain }) => `${clusterIp} . tcp . ${port} : goto ${chain}`))}  }
  chain mark-for-masquerade {
    mark set mark or 0x4000
  }
${ports.map((port) => renderChain(port, podCidr)).join('')}  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
  }
  chain unknown {
    ct state new ip daddr @cluster-ips reject
    ct state new ip daddr ${serviceCidr} drop
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    jump services
  }
  chain output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain forward {
    type filter hook forward priority -90; policy accept;
    jump unknown
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr . ip daddr . meta l4proto . th dport @hairpin masquerade fully-random
    mark & 0x4000 == 0x4000 masquerade fully-random
  }
}
`
}

interface ServicePortShape {
  readonly chain: string
  readonly clusterIp: string
  readonly port: number
  readonly targetPort: number
  readonly endpoints: readonly string[]
}

function portsOf({ service, slice }: ServiceWithEndpoints): ServicePortShape[] {
  const { metadata, spec } = service
  const endpoints = (slice.endpoints ?? []).flatMap(({ addresses }) => addresses)
  return (spec?.ports ?? []).map(({ name = '', port }, index) => ({
    chain: `service-${metadata.namespace}/${metadata.name}/tcp/${name}`,
    clusterIp: spec?.clusterIP ?? '',
    port,
    targetPort: slice.ports?.[index]?.port ?? port,
    endpoints,
  }))
}

function renderChain({ chain, clusterIp, port, targetPort, endpoints }: ServicePortShape, podCidr: string): string {
  const slots = endpoints.map((address, index) => `${index} : ${address} . ${targetPort}`)
  return `  chain ${chain} {
    ip daddr ${clusterIp} tcp dport ${port} ip saddr != ${podCidr} jump mark-for-masquerade
    meta l4proto tcp dnat ip addr . port to numgen random mod ${endpoints.length} map { ${slots.join(', ')} }
  }
`
}
