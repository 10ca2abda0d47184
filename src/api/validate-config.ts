/** ConfigMaps and Secrets: keys, size, immutability. */
import { configKeyProblems } from './check-name.ts'
import type { ConfigMap } from './config-map.ts'
import { forbiddenValue, immutable, invalidFor, invalidValue, requiredValue, sameValue, tooLong } from './findings.ts'
import type { Finding, ValidationContext } from './kind.ts'
import type { Secret } from './secret.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

const maxBytes = 1024 * 1024

export function validateConfigMap(configMap: ConfigMap, { before }: ValidationContext<ConfigMap>): Finding[] {
  const { data = {}, binaryData = {} } = configMap
  const sizes = [
    ...Object.values(data).map((text) => Buffer.byteLength(text)),
    ...Object.values(binaryData).map(bytesOf),
  ]
  return [
    ...validateObjectMeta(configMap.metadata, { namespaced: true, before: before?.metadata }),
    ...Object.keys(data).flatMap((key) => [
      ...validateKey('data', key),
      ...(key in binaryData ? [invalidValue(`data[${key}]`, key, `duplicate of key present in binaryData`)] : []),
    ]),
    ...Object.keys(binaryData).flatMap((key) => validateKey('binaryData', key)),
    ...validateSize('', sizes),
    ...validateImmutable(configMap, before, ['data', 'binaryData']),
  ]
}

export function validateSecret(secret: Secret, { before }: ValidationContext<Secret>): Finding[] {
  const { data = {} } = secret
  return [
    ...validateObjectMeta(secret.metadata, { namespaced: true, before: before?.metadata }),
    ...Object.keys(data).flatMap((key) => validateKey('data', key)),
    ...validateSize('data', Object.values(data).map(bytesOf)),
    ...validateTypeKeys(secret),
    ...(before === undefined ? [] : immutable('type', secret.type, before.type)),
    ...validateImmutable(secret, before, ['data']),
  ]
}

function validateKey(field: string, key: string): Finding[] {
  return invalidFor(`${field}[${key}]`, key, configKeyProblems(key))
}

function validateSize(path: string, sizes: readonly number[]): Finding[] {
  return sizes.reduce((sum, size) => sum + size, 0) > maxBytes ? [tooLong(path, maxBytes)] : []
}

const bytesOf = (base64: string) => Buffer.byteLength(base64, 'base64')

function validateImmutable<T extends ConfigMap | Secret>(
  object: T,
  before: T | undefined,
  fields: readonly (keyof T & string)[],
): Finding[] {
  if (!before?.immutable) return []
  const detail = 'field is immutable when `immutable` is set'
  return [
    ...(object.immutable ? [] : [forbiddenValue('immutable', detail)]),
    ...fields.filter((field) => !sameValue(object[field], before[field])).map((field) => forbiddenValue(field, detail)),
  ]
}

/** Keys that a Secret of a well-known type must have. */
const typeKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

function validateTypeKeys({ type = '', data = {}, metadata }: Secret): Finding[] {
  if (type === 'kubernetes.io/service-account-token') {
    const name = 'kubernetes.io/service-account.name'
    return metadata.annotations?.[name] ? [] : [requiredValue(`metadata.annotations[${name}]`)]
  }
  if (type === 'kubernetes.io/basic-auth' && !('username' in data) && !('password' in data)) {
    return [requiredValue('data[username]'), requiredValue('data[password]')]
  }
  return (typeKeys[type] ?? []).filter((key) => !(key in data)).map((key) => requiredValue(`data[${key}]`))
}
