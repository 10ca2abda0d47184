/** The config file of `up`: a Kubernetes-style object. Everything unknown is refused by name, never ignored. */
import { load } from 'js-yaml'
import type { Registries } from './cluster-record.ts'
import { type ClusterConfig, parseAdmissionPlugins, parseIpFamilies, parseProxyMode } from './parse-cluster-options.ts'
import { parseDnsSettings } from './parse-dns-settings.ts'
import { parseLoadBalancer } from './parse-load-balancer.ts'
import { parseNodeSettings } from './parse-node-settings.ts'

export const configApiVersion = 'frontdesk.dev/v1alpha1'

export interface ParsedConfig {
  readonly config: ClusterConfig
  /** What is wrong, all at once: `nodes: must be a whole number from 1 to 200`. */
  readonly findings: readonly string[]
}

export function parseClusterConfig(text: string): ParsedConfig {
  let value: unknown
  try {
    value = load(text)
  } catch (error) {
    return { config: {}, findings: [`not YAML: ${(error as Error).message.split('\n')[0]}`] }
  }
  if (!isMap(value)) return { config: {}, findings: ['must be a map'] }
  const findings: string[] = []
  const {
    apiVersion,
    kind,
    metadata,
    nodes,
    ipFamilies,
    proxyMode,
    registries,
    admissionPlugins,
    dns,
    loadBalancer,
    ...unknown
  } = value
  if (apiVersion !== configApiVersion) findings.push(`apiVersion: must be ${configApiVersion}`)
  if (kind !== 'Cluster') findings.push('kind: must be Cluster')
  findings.push(...Object.keys(unknown).map((key) => `${key}: unknown field`))
  const name = parseName(metadata, findings)
  return {
    config: {
      ...(name !== undefined && { name }),
      ...(nodes !== undefined && parseNodeSettings(nodes, findings)),
      ...(ipFamilies !== undefined && { ipFamilies: parseIpFamilies(ipFamilies, findings) }),
      ...(proxyMode !== undefined && { proxyMode: parseProxyMode(proxyMode, findings) }),
      ...(registries !== undefined && { registries: parseRegistries(registries, findings) }),
      ...(admissionPlugins !== undefined && {
        admissionPlugins: parseAdmissionPlugins(admissionPlugins, findings),
      }),
      ...(dns !== undefined && { dns: parseDnsSettings(dns, findings) }),
      ...(loadBalancer !== undefined && { loadBalancer: parseLoadBalancer(loadBalancer, findings) }),
    },
    findings,
  }
}

function parseName(metadata: unknown, findings: string[]): string | undefined {
  if (metadata === undefined) return undefined
  if (isMap(metadata) && typeof metadata['name'] === 'string') return metadata['name']
  findings.push('metadata.name: must be a string')
  return undefined
}

function parseRegistries(value: unknown, findings: string[]): Registries {
  if (!isMap(value)) {
    findings.push('registries: must be a map from host to {mirrors, mirrorsOnly, plainHttp}')
    return {}
  }
  for (const [host, rules] of Object.entries(value)) {
    const path = `registries[${host}]`
    if (!isMap(rules)) {
      findings.push(`${path}: must be a map`)
      continue
    }
    for (const key of Object.keys(rules)) {
      if (!['mirrors', 'mirrorsOnly', 'plainHttp'].includes(key)) findings.push(`${path}.${key}: unknown field`)
    }
    const mirrors = rules['mirrors']
    if (
      mirrors !== undefined &&
      !(Array.isArray(mirrors) && mirrors.every((url) => /^https?:\/\//.test(String(url))))
    ) {
      findings.push(`${path}.mirrors: must be a list of http:// or https:// addresses`)
    }
    for (const key of ['mirrorsOnly', 'plainHttp']) {
      if (rules[key] !== undefined && typeof rules[key] !== 'boolean')
        findings.push(`${path}.${key}: must be true or false`)
    }
  }
  return value as Registries
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
