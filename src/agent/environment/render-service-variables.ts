/** The variables by which a pod finds Services without DNS, in Docker's links form. */
import type { Service } from '#api/service.ts'

export function renderServiceVariables(services: readonly Service[]): Map<string, string> {
  const variables = new Map<string, string>()
  for (const service of services) {
    const ip = service.spec.clusterIP
    const [first] = service.spec.ports ?? []
    if (!ip || ip === 'None' || !first) continue
    const prefix = variableName(service.metadata.name)
    const hostText = ip.includes(':') ? `[${ip}]` : ip
    variables.set(`${prefix}_SERVICE_HOST`, ip)
    variables.set(`${prefix}_SERVICE_PORT`, String(first.port))
    for (const { name, port } of service.spec.ports ?? []) {
      if (name) variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port))
    }
    for (const [index, { port, protocol = 'TCP' }] of (service.spec.ports ?? []).entries()) {
      const url = `${protocol.toLowerCase()}://${hostText}:${port}`
      const link = `${prefix}_PORT_${port}_${protocol}`
      if (index === 0) variables.set(`${prefix}_PORT`, url)
      variables.set(link, url)
      variables.set(`${link}_PROTO`, protocol.toLowerCase())
      variables.set(`${link}_PORT`, String(port))
      variables.set(`${link}_ADDR`, ip)
    }
  }
  return variables
}

const variableName = (name: string) => name.toUpperCase().replaceAll('-', '_')

/** The Services of which a pod hears: those of its namespace, and always default/kubernetes. */
export function selectLinkedServices(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): readonly Service[] {
  const isApi = ({ metadata }: Service) => metadata.namespace === 'default' && metadata.name === 'kubernetes'
  const linked = services.filter(
    (service) => isApi(service) || (enableServiceLinks && service.metadata.namespace === namespace),
  )
  // A Service of the pod's own namespace wins over default/kubernetes.
  return linked.toSorted((a, b) => Number(isApi(b)) - Number(isApi(a)))
}
