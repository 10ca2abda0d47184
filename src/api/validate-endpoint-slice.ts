import { canonicalIpProblems, specialIpProblems } from './check-ip.ts'
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  portNumberProblems,
  qualifiedNameProblems,
  labelValueProblems,
} from './check-name.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from './endpoint-slice.ts'
import {
  duplicateValue,
  immutable,
  invalidFor,
  invalidValue,
  oneOfValues,
  requiredValue,
  sameValue,
  tooMany,
  unsupportedValue,
} from './findings.ts'
import type { Finding, ValidationContext } from './kind.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const addressTypes = ['FQDN', 'IPv4', 'IPv6'] as const
const limits = { endpoints: 1000, ports: 20000, addresses: 100, hints: 8, topologyKeys: 16 }

export function validateEndpointSlice(slice: EndpointSlice, { before }: ValidationContext<EndpointSlice>): Finding[] {
  const isUnchanged = before !== undefined && sameValue(slice.endpoints, before.endpoints)
  return [
    ...validateObjectMeta(slice.metadata, { namespaced: true, before: before?.metadata }),
    ...validateAddressType(slice),
    // Addresses stored before the rules became strict stay acceptable while the list does not change.
    ...(isUnchanged ? [] : validateEndpoints(slice)),
    ...validatePorts(slice.ports ?? []),
    ...(before === undefined ? [] : immutable('addressType', slice.addressType, before.addressType)),
  ]
}

function validateAddressType({ addressType }: EndpointSlice): Finding[] {
  if (!addressType) return [requiredValue('addressType')]
  return oneOfValues('addressType', addressType, addressTypes)
}

function validateEndpoints(slice: EndpointSlice): Finding[] {
  const endpoints = slice.endpoints ?? []
  if (endpoints.length > limits.endpoints) return [tooMany('endpoints', endpoints.length, limits.endpoints)]
  return endpoints.flatMap((endpoint, index) => validateEndpoint(endpoint, `endpoints[${index}]`, slice.addressType))
}

function validateEndpoint(endpoint: Endpoint, path: string, addressType: EndpointSlice['addressType']): Finding[] {
  const addresses = endpoint.addresses ?? []
  const findings: Finding[] = []
  if (addresses.length === 0) findings.push(requiredValue(`${path}.addresses`, 'must contain at least 1 address'))
  if (addresses.length > limits.addresses) {
    findings.push(tooMany(`${path}.addresses`, addresses.length, limits.addresses))
  } else {
    findings.push(
      ...addresses.flatMap((address, index) => validateAddress(`${path}.addresses[${index}]`, address, addressType)),
    )
  }
  findings.push(...ifSet(`${path}.nodeName`, endpoint.nodeName, dns1123SubdomainProblems))
  findings.push(...validateTopology(`${path}.deprecatedTopology`, endpoint.deprecatedTopology))
  findings.push(...ifSet(`${path}.hostname`, endpoint.hostname, dns1123LabelProblems))
  return [...findings, ...validateHints(`${path}.hints`, endpoint)]
}

function validateAddress(path: string, address: string, addressType: EndpointSlice['addressType']): Finding[] {
  if (addressType === 'FQDN') return invalidFor(path, address, dns1123SubdomainProblems(address))
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return []
  const problems = canonicalIpProblems(address)
  if (problems.length > 0) return invalidFor(path, address, problems)
  const isV6 = address.includes(':')
  if (isV6 !== (addressType === 'IPv6')) {
    return [invalidValue(path, address, `must be an ${addressType} address`)]
  }
  return invalidFor(path, address, specialIpProblems(address))
}

const zoneLabel = 'topology.kubernetes.io/zone'

function validateTopology(path: string, topology: Readonly<Record<string, string>> = {}): Finding[] {
  const keys = Object.keys(topology)
  const findings: Finding[] = []
  if (keys.length > limits.topologyKeys) findings.push(tooMany(path, keys.length, limits.topologyKeys))
  for (const [key, value] of Object.entries(topology)) {
    findings.push(
      ...invalidFor(path, key, qualifiedNameProblems(key)),
      ...invalidFor(`${path}[${key}]`, value, labelValueProblems(value)),
    )
  }
  if (zoneLabel in topology) {
    findings.push(invalidValue(`${path}[${zoneLabel}]`, topology[zoneLabel], 'use endpoint.zone instead'))
  }
  return findings
}

function validateHints(path: string, { hints }: Endpoint): Finding[] {
  if (hints === undefined) return []
  const { forZones = [], forNodes = [] } = hints
  return [
    ...validateHintNames(
      `${path}.forZones`,
      forZones.map((zone) => zone.name ?? ''),
      labelValueProblems,
    ),
    ...validateHintNames(
      `${path}.forNodes`,
      forNodes.map((node) => node.name ?? ''),
      dns1123SubdomainProblems,
    ),
  ]
}

function validateHintNames(path: string, names: readonly string[], problemsOf: (name: string) => string[]): Finding[] {
  const findings = names.length > limits.hints ? [tooMany(path, names.length, limits.hints)] : []
  names.forEach((name, index) => {
    const itemPath = `${path}[${index}].name`
    if (names.indexOf(name) < index) findings.push(duplicateValue(itemPath, name))
    findings.push(...invalidFor(itemPath, name, problemsOf(name)))
  })
  return findings
}

const protocols = ['TCP', 'UDP', 'SCTP'] as const

function validatePorts(ports: readonly EndpointPort[]): Finding[] {
  if (ports.length > limits.ports) return [tooMany('ports', ports.length, limits.ports)]
  const names = ports.map((port) => port.name ?? '')
  return ports.flatMap((port, index) => {
    const path = `ports[${index}]`
    const name = names[index] ?? ''
    return [
      ...(name === '' ? [] : invalidFor(`${path}.name`, name, dns1123LabelProblems(name))),
      ...(names.indexOf(name) < index ? [duplicateValue(`${path}.name`, name)] : []),
      ...(port.protocol === undefined ? [requiredValue(`${path}.protocol`)] : []),
      ...(port.protocol && !protocols.includes(port.protocol)
        ? [unsupportedValue(`${path}.protocol`, port.protocol, protocols)]
        : []),
      ...(port.port === undefined ? [] : invalidFor(`${path}.port`, port.port, portNumberProblems(port.port))),
      ...ifSet(`${path}.appProtocol`, port.appProtocol, qualifiedNameProblems),
    ]
  })
}

function ifSet(path: string, value: string | undefined, problemsOf: (text: string) => string[]): Finding[] {
  return value === undefined ? [] : invalidFor(path, value, problemsOf(value))
}
