/**
 * What a Service's status says about its load balancer address beyond Kubernetes' own fields. Who hands out addresses
 * writes the condition before the address works, so that proxies route it and it can be tried; only then it is put into
 * `status.loadBalancer` (docs/decisions/0011-load-balancer-proof.md).
 */
import type { Condition } from './condition.ts'
import type { Service } from './service.ts'

/** True: `message` is the addresses, separated by `, `. False: `reason` and `message` say why there is none. */
export const addressCondition = 'frontdesk.dev/LoadBalancerAddress'
/** True: a connection reached the Service through its addresses. */
export const reachableCondition = 'frontdesk.dev/LoadBalancerReachable'
/** True: `message` names ports of the host's 127.0.0.1 that lead to the load balancer: `8080=80/TCP, 8443=443/TCP`. */
export const localhostCondition = 'frontdesk.dev/LocalhostPorts'

const separator = ', '

export function findCondition(service: Service, type: string): Condition | undefined {
  return service.status?.conditions?.find((condition) => condition.type === type)
}

export const renderAllocatedIps = (ips: readonly string[]): string => ips.join(separator)

/** Addresses that are this Service's alone (or shared on purpose), whether or not they have been seen to work. */
export function allocatedIps(service: Service): readonly string[] {
  if (service.spec.type !== 'LoadBalancer') return none
  const condition = findCondition(service, addressCondition)
  return condition?.status === 'True' ? condition.message.split(separator) : none
}

const none: readonly string[] = []

export interface LocalhostPort {
  readonly hostPort: number
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
}

export const renderLocalhostPorts = (ports: readonly LocalhostPort[]): string =>
  ports.map(({ hostPort, port, protocol }) => `${hostPort}=${port}/${protocol}`).join(separator)

export function localhostPorts(service: Service): readonly LocalhostPort[] {
  const condition = findCondition(service, localhostCondition)
  if (condition?.status !== 'True') return []
  return condition.message.split(separator).flatMap((text) => {
    const [, hostPort, port, protocol] = /^(\d+)=(\d+)\/(TCP|UDP)$/.exec(text) ?? []
    return hostPort && port ? [{ hostPort: +hostPort, port: +port, protocol: protocol as 'TCP' | 'UDP' }] : []
  })
}
