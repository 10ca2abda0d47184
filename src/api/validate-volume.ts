import { configKeyProblems, dns1123LabelProblems, dns1123SubdomainProblems } from './check-name.ts'
import { duplicateValue, forbiddenValue, invalidFor, invalidValue, requiredValue } from './findings.ts'
import type { Finding } from './kind.ts'
import type { KeyToPath, ProjectedVolumeSource, Volume } from './volume.ts'

export function validateVolumes(path: string, volumes: readonly Volume[]): Finding[] {
  const names = volumes.map((volume) => volume.name)
  return volumes.flatMap((volume, index) => {
    const itemPath = `${path}[${index}]`
    const findings = validateSource(itemPath, volume)
    if (!volume.name) return [...findings, requiredValue(`${itemPath}.name`)]
    findings.push(...invalidFor(`${itemPath}.name`, volume.name, dns1123LabelProblems(volume.name)))
    if (names.indexOf(volume.name) < index) findings.push(duplicateValue(`${itemPath}.name`, volume.name))
    return findings
  })
}

function validateSource(path: string, volume: Volume): Finding[] {
  const [first, ...more] = Object.keys(volume).filter((key) => key !== 'name')
  if (first === undefined) return [requiredValue(path, 'must specify a volume type')]
  return [
    ...more.map((kind) => forbiddenValue(`${path}.${kind}`, 'may not specify more than 1 volume type')),
    ...validateKnownSource(path, volume),
  ]
}

function validateKnownSource(path: string, volume: Volume): Finding[] {
  const { hostPath, configMap, secret, persistentVolumeClaim, projected, emptyDir, nfs } = volume
  const findings: Finding[] = []
  if (hostPath) findings.push(...validateHostPath(`${path}.hostPath`, hostPath))
  if (configMap) {
    if (!configMap.name) findings.push(requiredValue(`${path}.configMap.name`))
    findings.push(...validateItems(`${path}.configMap`, configMap.items, configMap.defaultMode))
  }
  if (secret) {
    if (!secret.secretName) findings.push(requiredValue(`${path}.secret.secretName`))
    findings.push(...validateItems(`${path}.secret`, secret.items, secret.defaultMode))
  }
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName) {
    findings.push(requiredValue(`${path}.persistentVolumeClaim.claimName`))
  }
  if (projected) findings.push(...validateProjected(`${path}.projected`, projected))
  if (emptyDir?.sizeLimit?.startsWith('-')) {
    findings.push(forbiddenValue(`${path}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  }
  if (nfs && !nfs.server) findings.push(requiredValue(`${path}.nfs.server`))
  if (nfs && !nfs.path) findings.push(requiredValue(`${path}.nfs.path`))
  return findings
}

const hostPathTypes = [
  '',
  'DirectoryOrCreate',
  'Directory',
  'FileOrCreate',
  'File',
  'Socket',
  'CharDevice',
  'BlockDevice',
]

function validateHostPath(path: string, source: { path?: string; type?: string }): Finding[] {
  const findings: Finding[] = []
  if (!source.path) findings.push(requiredValue(`${path}.path`))
  else findings.push(...noDotDot(`${path}.path`, source.path))
  if (source.type !== undefined && !hostPathTypes.includes(source.type)) {
    const supported = hostPathTypes
      .map((type) => JSON.stringify(type))
      .toSorted()
      .join(', ')
    const message = `Unsupported value: ${JSON.stringify(source.type)}: supported values: ${supported}`
    findings.push({ field: `${path}.type`, reason: 'FieldValueNotSupported', message })
  }
  return findings
}

function validateItems(path: string, items: readonly KeyToPath[] = [], mode?: number): Finding[] {
  return [
    ...validateMode(`${path}.defaultMode`, mode),
    ...items.flatMap((item, index) => validateItem(`${path}.items[${index}]`, item)),
  ]
}

function validateItem(path: string, { key, path: target, mode }: KeyToPath): Finding[] {
  return [
    ...(key ? invalidFor(`${path}.key`, key, configKeyProblems(key)) : [requiredValue(`${path}.key`)]),
    ...(target ? validateRelativePath(`${path}.path`, target) : [requiredValue(`${path}.path`)]),
    ...validateMode(`${path}.mode`, mode),
  ]
}

function validateMode(path: string, mode: number | undefined): Finding[] {
  const isValid = mode === undefined || (mode >= 0 && mode <= 0o777)
  return isValid ? [] : [invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
}

function validateRelativePath(path: string, target: string): Finding[] {
  if (target.startsWith('/')) return [invalidValue(path, target, 'must be a relative path')]
  return noDotDot(path, target)
}

function noDotDot(path: string, target: string): Finding[] {
  return target.split('/').includes('..') ? [invalidValue(path, target, "must not contain '..'")] : []
}

function validateProjected(path: string, { sources = [], defaultMode }: ProjectedVolumeSource): Finding[] {
  const findings = validateMode(`${path}.defaultMode`, defaultMode)
  sources.forEach((source, index) => {
    const itemPath = `${path}.sources[${index}]`
    const [, ...more] = Object.keys(source)
    findings.push(
      ...more.map((kind) => forbiddenValue(`${itemPath}.${kind}`, 'may not specify more than 1 volume type')),
    )
    const { configMap, secret, serviceAccountToken } = source
    if (configMap) findings.push(...validateNamed(`${itemPath}.configMap`, configMap))
    if (secret) findings.push(...validateNamed(`${itemPath}.secret`, secret))
    if (serviceAccountToken) findings.push(...validateToken(`${itemPath}.serviceAccountToken`, serviceAccountToken))
  })
  return findings
}

function validateNamed(path: string, { name, items }: { name?: string; items?: readonly KeyToPath[] }): Finding[] {
  const named = name
    ? invalidFor(`${path}.name`, name, dns1123SubdomainProblems(name))
    : [requiredValue(`${path}.name`)]
  return [...named, ...validateItems(path, items)]
}

function validateToken(path: string, token: { path?: string; expirationSeconds?: number }): Finding[] {
  const findings = token.path ? validateRelativePath(`${path}.path`, token.path) : [requiredValue(`${path}.path`)]
  const seconds = token.expirationSeconds
  if (seconds !== undefined && seconds < 600) {
    findings.push(invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
  }
  return findings
}
