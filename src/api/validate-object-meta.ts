/** What every kind demands of its metadata. */
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
  type NameRule,
} from './check-name.ts'
import { forbiddenValue, invalidFor, invalidValue, requiredValue, sameValue, tooLong } from './findings.ts'
import type { Finding } from './kind.ts'
import type { ObjectMeta, OwnerReference } from './meta.ts'

export interface ObjectMetaRules {
  readonly namespaced: boolean
  readonly before?: ObjectMeta | undefined
  /** Default: a DNS-1123 subdomain. */
  readonly nameRule?: NameRule
}

export function validateObjectMeta(metadata: ObjectMeta, rules: ObjectMetaRules): Finding[] {
  return [
    ...(rules.before === undefined ? validateIdentity(metadata, rules) : validateMetaUpdate(metadata, rules.before)),
    ...validateLabels('metadata.labels', metadata.labels),
    ...validateAnnotations('metadata.annotations', metadata.annotations),
    ...validateOwners(metadata.ownerReferences ?? []),
    ...(metadata.finalizers ?? []).flatMap((finalizer, index) => validateFinalizer(finalizer, index)),
  ]
}

function validateIdentity(
  metadata: ObjectMeta,
  { namespaced, nameRule = dns1123SubdomainProblems }: ObjectMetaRules,
): Finding[] {
  const { name, generateName = '', namespace = '' } = metadata
  const findings: Finding[] = []
  if (generateName !== '') {
    // A trailing dash is fine: something is still appended.
    const sample = generateName.endsWith('-') ? `${generateName.slice(0, -1)}a` : generateName
    findings.push(...invalidFor('metadata.generateName', generateName, nameRule(sample)))
  }
  if (!name) findings.push(requiredValue('metadata.name', 'name or generateName is required'))
  else findings.push(...invalidFor('metadata.name', name, nameRule(name)))
  if (!namespaced && namespace !== '') {
    findings.push(forbiddenValue('metadata.namespace', 'not allowed on this type'))
  } else if (namespaced && namespace === '') {
    findings.push(requiredValue('metadata.namespace'))
  } else if (namespaced) {
    findings.push(...invalidFor('metadata.namespace', namespace, dns1123LabelProblems(namespace)))
  }
  return findings
}

// What else the server owns it has put back before validation; finalizers added during deletion it refuses itself.
const fixedFields = ['name', 'namespace', 'uid', 'creationTimestamp'] as const

function validateMetaUpdate(metadata: ObjectMeta, before: ObjectMeta): Finding[] {
  const changed = fixedFields.filter((field) => !sameValue(metadata[field], before[field]))
  return changed.map((field) => invalidValue(`metadata.${field}`, metadata[field] ?? null, 'field is immutable'))
}

export function validateLabels(path: string, labels: Readonly<Record<string, string>> = {}): Finding[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...invalidFor(path, key, qualifiedNameProblems(key)),
    ...invalidFor(path, value, labelValueProblems(value)),
  ])
}

const maxAnnotationBytes = 256 * 1024

export function validateAnnotations(path: string, annotations: Readonly<Record<string, string>> = {}): Finding[] {
  const entries = Object.entries(annotations)
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  return [
    ...entries.flatMap(([key]) => invalidFor(path, key, qualifiedNameProblems(key.toLowerCase()))),
    ...(bytes > maxAnnotationBytes ? [tooLong(path, maxAnnotationBytes)] : []),
  ]
}

function validateOwners(owners: readonly OwnerReference[]): Finding[] {
  const findings = owners.flatMap((owner, index) => validateOwner(owner, `metadata.ownerReferences[${index}]`))
  const controllers = owners.filter((owner) => owner.controller)
  if (controllers.length > 1) {
    const [first, second] = controllers
    const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first?.kind}/${first?.name} and ${second?.kind}/${second?.name}`
    findings.push(invalidValue('metadata.ownerReferences', owners, detail))
  }
  return findings
}

function validateOwner(owner: OwnerReference, path: string): Finding[] {
  const findings: Finding[] = []
  if (!owner.apiVersion)
    findings.push(invalidValue(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'))
  if (!owner.kind) findings.push(invalidValue(`${path}.kind`, owner.kind ?? '', 'kind must not be empty'))
  if (!owner.name) findings.push(invalidValue(`${path}.name`, owner.name ?? '', 'name must not be empty'))
  if (!owner.uid) findings.push(invalidValue(`${path}.uid`, owner.uid ?? '', 'uid must not be empty'))
  if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
    findings.push(invalidValue(path, owner, '/v1, Kind=Event is disallowed from being an owner'))
  }
  return findings
}

const bareFinalizers = ['orphan', 'foregroundDeletion', 'kubernetes']

function validateFinalizer(finalizer: string, index: number): Finding[] {
  const path = `metadata.finalizers[${index}]`
  const problems = qualifiedNameProblems(finalizer)
  if (problems.length > 0) return invalidFor(path, finalizer, problems)
  if (finalizer.includes('/') || bareFinalizers.includes(finalizer)) return []
  return [invalidValue(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')]
}
