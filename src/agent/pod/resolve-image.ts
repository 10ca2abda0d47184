/** From a container's image to files and a run configuration, with the events and waiting reasons of a kubelet. */
import type { Container } from '#api/container.ts'
import type { Pod } from '#api/pod.ts'
import type { Secret } from '#api/secret.ts'
import type { AgentContext } from '../agent-context.ts'
import { PullError, type ImageConfig } from '../images/contract.ts'
import { parsePullSecret, selectCredentials, type RegistryCredentials } from '../images/parse-pull-secret.ts'

export interface ResolvedImage {
  readonly name: string
  /** `imageID` of the status. */
  readonly id: string
  /** `host`: this machine's own files. */
  readonly source: 'host' | readonly string[]
  readonly config: ImageConfig
}

/** Not to be had just now; becomes the container's waiting state. */
export class ImageUnavailableError extends Error {
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ImageUnavailableError'
    this.reason = reason
  }
}

export const hostImage = 'localhost/host'

export const isHostImage = (image: string): boolean => image === hostImage || image === `${hostImage}:latest`

type ImageUser = Pick<Container, 'name' | 'image' | 'imagePullPolicy'>

export async function resolveImage(
  context: AgentContext,
  pod: Pod,
  container: ImageUser,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const name = container.image ?? ''
  if (isHostImage(name)) return resolveHostImage(context, name)
  const policy = container.imagePullPolicy ?? 'IfNotPresent'
  const present = policy === 'Always' ? undefined : await findImage(context, name)
  if (present) {
    context.events(pod, 'Normal', 'Pulled', `Container image "${name}" already present on machine`)
    return present
  }
  if (policy === 'Never') {
    const message = `Container image "${name}" is not present with pull policy of Never`
    context.events(pod, 'Warning', 'ErrImageNeverPull', message)
    throw new ImageUnavailableError('ErrImageNeverPull', message)
  }
  return pullImage(context, pod, name, signal)
}

function resolveHostImage(context: AgentContext, name: string): ResolvedImage {
  const config = { env: context.hostEnv, entrypoint: [], cmd: [], workingDir: '', user: '' }
  return { name, id: `${hostImage}@host`, source: 'host', config }
}

async function findImage(context: AgentContext, name: string): Promise<ResolvedImage | undefined> {
  try {
    const image = await context.images.find(name)
    return image && { name, id: image.repoDigest ?? image.id, source: image.layers, config: image.config }
  } catch (cause) {
    throw unavailable(name, cause)
  }
}

async function pullImage(context: AgentContext, pod: Pod, name: string, signal: AbortSignal): Promise<ResolvedImage> {
  context.events(pod, 'Normal', 'Pulling', `Pulling image "${name}"`)
  const startedMs = performance.now()
  try {
    const credentials = selectCredentials(await pullSecrets(context, pod), name)
    const image = await context.images.pull(name, credentials, signal)
    const tookMs = Math.round(performance.now() - startedMs)
    context.events(pod, 'Normal', 'Pulled', `Successfully pulled image "${name}" in ${tookMs}ms`)
    return { name, id: image.repoDigest ?? image.id, source: image.layers, config: image.config }
  } catch (cause) {
    const error = unavailable(name, cause)
    context.events(pod, 'Warning', 'Failed', error.message)
    context.events(pod, 'Warning', 'Failed', `Error: ${error.reason}`)
    throw error
  }
}

function unavailable(name: string, cause: unknown): ImageUnavailableError {
  if (cause instanceof PullError && cause.reason === 'InvalidImageName') {
    const message = `Failed to apply default image tag "${name}": ${cause.message}`
    return new ImageUnavailableError('InvalidImageName', message, { cause })
  }
  const reason = cause instanceof PullError ? cause.reason : 'ErrImagePull'
  return new ImageUnavailableError(reason, `Failed to pull image "${name}": ${(cause as Error).message}`, { cause })
}

async function pullSecrets(context: AgentContext, pod: Pod): Promise<RegistryCredentials[]> {
  const namespace = pod.metadata.namespace ?? 'default'
  const found: RegistryCredentials[] = []
  for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
    const secret = await context.objects.secret(namespace, name)
    const text = secret && pullSecretText(secret)
    if (text) found.push(...parsePullSecret(text))
    else {
      const message = `Unable to retrieve some image pull secrets (${name}); attempting to pull the image may not succeed.`
      context.events(pod, 'Warning', 'FailedToRetrieveImagePullSecret', message)
    }
  }
  return found
}

function pullSecretText(secret: Secret): string | undefined {
  const data = secret.data?.['.dockerconfigjson'] ?? secret.data?.['.dockercfg']
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString()
}
