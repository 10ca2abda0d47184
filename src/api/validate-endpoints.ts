import { ipProblems, specialIpProblems } from './check-ip.ts'
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  portNumberProblems,
  qualifiedNameProblems,
} from './check-name.ts'
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from './endpoints.ts'
import { invalidFor, oneOfValues, requiredValue, sameValue } from './findings.ts'
import type { Finding, ValidationContext } from './kind.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export function validateEndpoints(endpoints: Endpoints, { before }: ValidationContext<Endpoints>): Finding[] {
  const isUnchanged = before !== undefined && sameValue(endpoints.subsets, before.subsets)
  return [
    ...validateObjectMeta(endpoints.metadata, { namespaced: true, before: before?.metadata }),
    ...(isUnchanged
      ? []
      : (endpoints.subsets ?? []).flatMap((subset, index) => validateSubset(subset, `subsets[${index}]`))),
  ]
}

export const endpointsWarning = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'

function validateSubset(
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
  path: string,
): Finding[] {
  const findings: Finding[] = []
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    findings.push(requiredValue(path, 'must specify `addresses` or `notReadyAddresses`'))
  }
  addresses.forEach((address, index) => findings.push(...validateAddress(address, `${path}.addresses[${index}]`)))
  notReadyAddresses.forEach((address, index) =>
    findings.push(...validateAddress(address, `${path}.notReadyAddresses[${index}]`)),
  )
  ports.forEach((port, index) => findings.push(...validatePort(port, `${path}.ports[${index}]`, ports.length > 1)))
  return findings
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, path: string): Finding[] {
  const problems = ipProblems(ip ?? '')
  return [
    ...invalidFor(`${path}.ip`, ip ?? '', problems.length > 0 ? problems : specialIpProblems(ip)),
    ...(hostname ? invalidFor(`${path}.hostname`, hostname, dns1123LabelProblems(hostname)) : []),
    ...(nodeName === undefined ? [] : invalidFor(`${path}.nodeName`, nodeName, dns1123SubdomainProblems(nodeName))),
  ]
}

function validatePort(
  { name = '', port, protocol, appProtocol }: EndpointPort,
  path: string,
  needsName: boolean,
): Finding[] {
  return [
    ...(needsName && name === '' ? [requiredValue(`${path}.name`)] : []),
    ...(name === '' ? [] : invalidFor(`${path}.name`, name, dns1123LabelProblems(name))),
    ...invalidFor(`${path}.port`, port ?? 0, portNumberProblems(port ?? 0)),
    ...(protocol
      ? oneOfValues(`${path}.protocol`, protocol, ['TCP', 'UDP', 'SCTP'])
      : [requiredValue(`${path}.protocol`)]),
    ...(appProtocol === undefined
      ? []
      : invalidFor(`${path}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol))),
  ]
}
