/** A container's variables. What it refers to is fetched through `objects`; nothing else has an effect. */
import type { ConfigMap } from '#api/config-map.ts'
import type { Container } from '#api/container.ts'
import type { EnvVar } from '#api/env.ts'
import type { Secret } from '#api/secret.ts'
import { expandVariables } from './expand-variables.ts'
import { readField, readResource, type FieldContext } from './read-field.ts'

/** The objects that pods refer to, as they are now. Undefined: there is no such object. */
export interface ReferencedObjects {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
}

export interface EnvironmentInput extends FieldContext {
  readonly container: Pick<Container, 'name' | 'env' | 'envFrom' | 'resources'>
  /** `NAME=value` of the image. */
  readonly imageEnv: readonly string[]
  readonly serviceVariables: ReadonlyMap<string, string>
  readonly objects: ReferencedObjects
}

/** The pod cannot be started as it is configured: becomes CreateContainerConfigError. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

export async function buildEnvironment(input: EnvironmentInput): Promise<Map<string, string>> {
  const result = new Map<string, string>(input.serviceVariables)
  for (const source of input.container.envFrom ?? []) {
    for (const [name, value] of await valuesFrom(source, input)) result.set(`${source.prefix ?? ''}${name}`, value)
  }
  for (const variable of input.container.env ?? []) {
    const value = await valueOf(variable, input, result)
    if (value !== undefined) result.set(variable.name, value)
  }
  const image = new Map(input.imageEnv.map((text) => splitVariable(text)))
  return new Map([...image, ...result])
}

function splitVariable(text: string): [string, string] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
}

async function valuesFrom(
  source: NonNullable<Container['envFrom']>[number],
  { objects, pod }: EnvironmentInput,
): Promise<[string, string][]> {
  const namespace = pod.metadata.namespace ?? 'default'
  if (source.configMapRef) {
    const { name = '', optional } = source.configMapRef
    const configMap = await objects.configMap(namespace, name)
    if (!configMap && !optional) throw new ConfigError(`configmap "${name}" not found`)
    return Object.entries(configMap?.data ?? {})
  }
  if (source.secretRef) {
    const { name = '', optional } = source.secretRef
    const secret = await objects.secret(namespace, name)
    if (!secret && !optional) throw new ConfigError(`secret "${name}" not found`)
    return Object.entries(secret?.data ?? {}).map(([key, value]) => [key, decodeText(value)])
  }
  return []
}

async function valueOf(
  variable: EnvVar,
  input: EnvironmentInput,
  soFar: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const { valueFrom } = variable
  if (!valueFrom) return expandVariables(variable.value ?? '', (name) => soFar.get(name))
  if (valueFrom.fieldRef) return readField(valueFrom.fieldRef, input)
  if (valueFrom.resourceFieldRef) return readResource(valueFrom.resourceFieldRef, input.container, input)
  if (valueFrom.configMapKeyRef) return configMapKey(valueFrom.configMapKeyRef, input)
  if (valueFrom.secretKeyRef) return secretKey(valueFrom.secretKeyRef, input)
  throw new ConfigError(`unsupported source of environment variable ${variable.name}`)
}

type KeyRef = { readonly name?: string; readonly key: string; readonly optional?: boolean }

async function configMapKey({ name = '', key, optional }: KeyRef, { objects, pod }: EnvironmentInput) {
  const namespace = pod.metadata.namespace ?? 'default'
  const configMap = await objects.configMap(namespace, name)
  const value = configMap?.data?.[key]
  if (value !== undefined || optional) return value
  if (!configMap) throw new ConfigError(`configmap "${name}" not found`)
  throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`)
}

async function secretKey({ name = '', key, optional }: KeyRef, { objects, pod }: EnvironmentInput) {
  const namespace = pod.metadata.namespace ?? 'default'
  const secret = await objects.secret(namespace, name)
  const value = secret?.data?.[key]
  if (value !== undefined) return decodeText(value)
  if (optional) return undefined
  if (!secret) throw new ConfigError(`secret "${name}" not found`)
  throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`)
}

const decodeText = (base64: string) => new TextDecoder().decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)))
