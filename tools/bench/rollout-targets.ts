/** The ways by which rollout.ts reaches its pods. */
import { allocatedIps } from '#api/load-balancer-address.ts'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import type { BenchCluster } from './bench-cluster.ts'
import type { LoadTarget } from './rollout-load.ts'
import { apps, createService, namespace, servicePort, waitUntil } from './rollout-objects.ts'

export interface Targets {
  /** Asked by a pod. */
  readonly inside: readonly LoadTarget[]
  /** Asked from before the nodes. */
  readonly outside: readonly LoadTarget[]
}

/** Creates the Services. `rate`: new connections a second to the first of them. */
export async function createTargets(cluster: BenchCluster, rate: number): Promise<Targets> {
  const { client } = cluster
  const [ordered, control, slow, host] = apps
  const services = await Promise.all(
    [ordered!, control!, slow!, host!].map((app) =>
      createService(client, app.name, app, { ipFamilyPolicy: 'PreferDualStack' }),
    ),
  )
  const clusterIps = services.map(({ spec }) => spec.clusterIP!)
  const ipv6 = services[0]!.spec.clusterIPs?.[1]
  const [balanced, local] = await Promise.all([
    createService(client, 'balanced', ordered!, { type: 'LoadBalancer' }),
    createService(client, 'local', ordered!, { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }),
  ])
  const node = await client.of(Node).get({ name: `${cluster.name}-1` })
  const nodeIp = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ''
  const inside = (index: number, share: number, connections: number): LoadTarget => ({
    ...target(apps[index]!.name, clusterIps[index]!, servicePort, rate * share),
    keptConnections: connections,
  })
  return {
    inside: [
      inside(0, 1, 20),
      inside(1, 1 / 2, 10),
      inside(2, 1 / 10, 5),
      inside(3, 1 / 10, 5),
      ...(ipv6 === undefined ? [] : [target('IPv6', ipv6, servicePort, rate / 10)]),
      {
        ...target('datagrams', clusterIps[0]!, servicePort, 0),
        keptConnections: 0,
        datagramsPerSecond: rate / 10,
      },
    ],
    outside: [
      target('node port', nodeIp, balanced.spec.ports?.[0]?.nodePort ?? 0, rate / 10),
      target('balancer', await balancerIp(cluster, 'balanced'), servicePort, rate / 10),
      target(`balancer, Local`, await balancerIp(cluster, local.metadata.name), servicePort, rate / 10),
    ],
  }
}

function target(name: string, address: string, port: number, rate: number): LoadTarget {
  return { name, address, port, newPerSecond: rate, keptPerSecond: rate, keptConnections: 5 }
}

async function balancerIp({ client }: BenchCluster, name: string): Promise<string> {
  let found: string | undefined
  await waitUntil(`an address of load balancer ${name}`, async () => {
    const service = await client.of(Service).get({ namespace, name })
    found = service.status?.loadBalancer?.ingress?.[0]?.ip && allocatedIps(service)[0]
    return found !== undefined
  })
  return found!
}
