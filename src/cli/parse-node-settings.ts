/** `nodes` of a config file: how many, or one entry for each with its zone and labels. */
import { labelValueProblems, qualifiedNameProblems } from '#api/check-name.ts'
import { maxNodes } from '#lib/address-plan.ts'
import { parseNodes } from './parse-cluster-options.ts'

export interface NodeSettings {
  readonly nodes: number
  /** By node, in order; absent when no node has labels of its own. */
  readonly nodeLabels?: readonly Readonly<Record<string, string>>[]
}

const zoneLabel = 'topology.kubernetes.io/zone'

export function parseNodeSettings(value: unknown, findings: string[]): NodeSettings {
  if (!Array.isArray(value)) return { nodes: parseNodes(value, findings) }
  if (value.length < 1 || value.length > maxNodes) {
    findings.push(`nodes: must be a whole number from 1 to ${maxNodes}, or a list of as many`)
    return { nodes: 1 }
  }
  const nodeLabels = value.map((entry, index) => parseEntry(entry, `nodes[${index}]`, findings))
  const isPlain = nodeLabels.every((labels) => Object.keys(labels).length === 0)
  return { nodes: value.length, ...(!isPlain && { nodeLabels }) }
}

function parseEntry(entry: unknown, path: string, findings: string[]): Record<string, string> {
  // `- {}` and a bare `-` are nodes without anything special.
  const { zone, labels = {}, ...unknown } = isMap(entry ?? {}) ? ((entry ?? {}) as Record<string, unknown>) : { '': 0 }
  if (!isMap(entry ?? {})) findings.push(`${path}: must be a map of zone and labels`)
  else findings.push(...Object.keys(unknown).map((key) => `${path}.${key}: unknown field`))
  if (!isMap(labels)) {
    findings.push(`${path}.labels: must be a map`)
    return {}
  }
  const all = { ...labels, ...(zone !== undefined && { [zoneLabel]: zone }) }
  for (const [key, text] of Object.entries(all)) {
    const problems = [
      ...qualifiedNameProblems(key),
      ...(typeof text === 'string' ? labelValueProblems(text) : ['must be a string']),
    ]
    const where = key === zoneLabel && zone !== undefined ? `${path}.zone` : `${path}.labels[${key}]`
    findings.push(...problems.map((problem) => `${where}: ${problem}`))
  }
  return all as Record<string, string>
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
