/** The files of a volume that comes from the API: configMap, secret, downwardAPI, projected. */
import type { ConfigMap } from '#api/config-map.ts'
import type { Secret } from '#api/secret.ts'
import type { DownwardAPIVolumeFile, KeyToPath, ServiceAccountTokenProjection, Volume } from '#api/volume.ts'
import { readField, readResource, type FieldContext } from '../environment/read-field.ts'
import type { ReferencedObjects } from '../environment/build-environment.ts'

export interface PayloadFile {
  readonly content: Uint8Array
  readonly mode: number
}

export interface Payload {
  readonly files: ReadonlyMap<string, PayloadFile>
  /** A token in it must be replaced at this time. */
  readonly refreshAtMs?: number
}

export interface IssuedToken {
  readonly token: string
  readonly refreshAtMs: number
}

export interface PayloadInput extends FieldContext {
  readonly objects: ReferencedObjects
  /** Returns the token in use until it is time for a new one. */
  readonly issueToken: (projection: ServiceAccountTokenProjection) => Promise<IssuedToken>
}

/** The words of a FailedMount event. */
export class VolumeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'VolumeError'
  }
}

const defaultMode = 0o644
const encode = (text: string) => new TextEncoder().encode(text)
const decodeBytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))

type Files = Map<string, PayloadFile>
type Selection = { readonly items?: readonly KeyToPath[]; readonly optional?: boolean; readonly mode: number }

/** Undefined for volumes of other types. */
export async function buildPayload(volume: Volume, input: PayloadInput): Promise<Payload | undefined> {
  const files: Files = new Map()
  if (volume.configMap) {
    const mode = volume.configMap.defaultMode ?? defaultMode
    await addConfigMap(files, volume.configMap.name ?? '', { ...volume.configMap, mode }, input)
    return { files }
  }
  if (volume.secret) {
    const mode = volume.secret.defaultMode ?? defaultMode
    await addSecret(files, volume.secret.secretName ?? '', { ...volume.secret, mode }, input)
    return { files }
  }
  if (volume.downwardAPI) {
    addDownward(files, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? defaultMode, input)
    return { files }
  }
  return volume.projected ? buildProjected(volume.projected, input) : undefined
}

async function buildProjected(projected: NonNullable<Volume['projected']>, input: PayloadInput): Promise<Payload> {
  const files: Files = new Map()
  const mode = projected.defaultMode ?? defaultMode
  let refreshAtMs: number | undefined
  for (const source of projected.sources ?? []) {
    if (source.configMap) await addConfigMap(files, source.configMap.name ?? '', { ...source.configMap, mode }, input)
    if (source.secret) await addSecret(files, source.secret.name ?? '', { ...source.secret, mode }, input)
    if (source.downwardAPI) addDownward(files, source.downwardAPI.items ?? [], mode, input)
    if (source.serviceAccountToken) {
      const issued = await input.issueToken(source.serviceAccountToken)
      files.set(source.serviceAccountToken.path, { content: encode(issued.token), mode: 0o600 | (mode & 0o077) })
      refreshAtMs = Math.min(refreshAtMs ?? issued.refreshAtMs, issued.refreshAtMs)
    }
  }
  return { files, ...(refreshAtMs !== undefined && { refreshAtMs }) }
}

async function addConfigMap(files: Files, name: string, selection: Selection, input: PayloadInput): Promise<void> {
  const found = await input.objects.configMap(input.pod.metadata.namespace ?? 'default', name)
  if (!found && !selection.optional) throw new VolumeError(`configmap "${name}" not found`)
  select(files, configMapData(found), selection, `configmap references non-existent config key`)
}

async function addSecret(files: Files, name: string, selection: Selection, input: PayloadInput): Promise<void> {
  const found = await input.objects.secret(input.pod.metadata.namespace ?? 'default', name)
  if (!found && !selection.optional) throw new VolumeError(`secret "${name}" not found`)
  select(files, secretData(found), selection, `references non-existent secret key`)
}

function configMapData(configMap: ConfigMap | undefined): Map<string, Uint8Array> {
  const text = Object.entries(configMap?.data ?? {}).map(([key, value]) => [key, encode(value)] as const)
  const binary = Object.entries(configMap?.binaryData ?? {}).map(([key, value]) => [key, decodeBytes(value)] as const)
  return new Map([...text, ...binary])
}

function secretData(secret: Secret | undefined): Map<string, Uint8Array> {
  return new Map(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, decodeBytes(value)]))
}

function select(files: Files, data: ReadonlyMap<string, Uint8Array>, selection: Selection, missing: string): void {
  const { items, mode, optional } = selection
  if (!items || items.length === 0) {
    for (const [key, content] of data) files.set(key, { content, mode })
    return
  }
  for (const item of items) {
    const content = data.get(item.key)
    if (content) files.set(item.path, { content, mode: item.mode ?? mode })
    else if (!optional) throw new VolumeError(`${missing}: ${item.key}`)
  }
}

function addDownward(files: Files, items: readonly DownwardAPIVolumeFile[], mode: number, input: PayloadInput): void {
  for (const item of items) {
    const text = item.fieldRef
      ? readField(item.fieldRef, input)
      : readResource(item.resourceFieldRef ?? { resource: '' }, { name: '' }, input)
    files.set(item.path, { content: encode(text), mode: item.mode ?? mode })
  }
}
