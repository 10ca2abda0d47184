import { ageColumn, joined, nameColumn, textColumn, wide } from './columns.ts'
import type { Column } from './kind.ts'
import { formatLabels } from './parse-selector.ts'
import type { Service } from './service.ts'

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn(),
  textColumn('Type', (service) => service.spec.type ?? 'ClusterIP', { description: 'How the Service is reached.' }),
  textColumn('Cluster-IP', (service) => service.spec.clusterIPs?.[0] ?? '<none>', {
    description: 'Virtual address inside the cluster.',
  }),
  textColumn('External-IP', externalIpCell, { description: 'Addresses or name outside the cluster.' }),
  textColumn('Port(s)', portsCell, { description: 'port, or port:nodePort, with the protocol.' }),
  ageColumn(),
  textColumn('Selector', (service) => formatLabels(service.spec.selector) || '<none>', {
    ...wide,
    description: 'Labels of the pods behind the Service.',
  }),
]

function externalIpCell({ spec, status }: Service): string {
  const externalIps = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? ''
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map((point) => point.ip || point.hostname || '')
      return [...ingress.toSorted(), ...externalIps].join(',') || '<pending>'
    }
    default:
      return joined(externalIps)
  }
}

function portsCell({ spec }: Service): string {
  return joined(
    (spec.ports ?? []).map(({ port, nodePort, protocol = 'TCP' }) =>
      nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
    ),
  )
}
