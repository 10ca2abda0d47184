/** One repository on one registry server (OCI distribution spec 1.1, "pull" part), with token login. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Credentials } from './contract.ts'
import { parseChallenge, tokenUrl } from './parse-challenge.ts'
import { acceptedManifests } from './parse-manifest.ts'

export type RegistryFailure = 'not-found' | 'denied' | 'unreachable' | 'other'

export class RegistryError extends Error {
  readonly failure: RegistryFailure
  constructor(failure: RegistryFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

export interface Repository {
  /** The digest that the server gives for a tag; undefined if it does not say. Costs no rate limit on Docker Hub. */
  resolve(tagOrDigest: string): Promise<string | undefined>
  /** The bytes of a manifest, not yet verified. */
  manifest(tagOrDigest: string): Promise<Uint8Array>
  /** The bytes of a blob, not yet verified. `signal` ends this download only. */
  blob(digest: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
}

export interface RepositoryOptions {
  readonly baseUrl: string
  readonly name: string
  readonly credentials: Credentials | undefined
  readonly signal: AbortSignal
}

const maxManifestBytes = 4 * 1024 * 1024
const headersTimeoutMs = 30_000
const attempts = 3
const firstPauseMs = 200

export function openRepository(options: RepositoryOptions): Repository {
  let authorization: string | undefined
  const ask = async ({ path, method = 'GET', accept, signal = options.signal }: Question): Promise<Response> => {
    const url = new URL(`${options.baseUrl}/v2/${options.name}/${path}`)
    const send = () => fetchPatiently(url, { method, headers: headersOf(accept, authorization) }, signal)
    let response = await send()
    if (response.status === 401) {
      authorization = await logIn(response, url, options)
      await response.body?.cancel()
      response = await send()
    }
    if (response.ok) return response
    throw await failureOf(response, options)
  }
  return {
    resolve: async (tagOrDigest) => {
      const response = await ask({ path: `manifests/${tagOrDigest}`, method: 'HEAD', accept: acceptedManifests })
      return response.headers.get('docker-content-digest') ?? undefined
    },
    manifest: async (tagOrDigest) => {
      const response = await ask({ path: `manifests/${tagOrDigest}`, accept: acceptedManifests })
      return readLimited(bodyOf(response), maxManifestBytes)
    },
    blob: async (digest, own) => {
      const signal = AbortSignal.any([options.signal, own])
      return bodyOf(await ask({ path: `blobs/${digest}`, accept: '*/*', signal }))
    },
  }
}

interface Question {
  readonly path: string
  readonly method?: 'GET' | 'HEAD'
  readonly accept: string
  readonly signal?: AbortSignal
}

function headersOf(accept: string, authorization: string | undefined): Record<string, string> {
  // Digests are over the stored bytes, so a server must not compress them once more.
  const headers = { accept, 'accept-encoding': 'identity', 'user-agent': 'frontdesk' }
  return authorization === undefined ? headers : { ...headers, authorization }
}

/** Answers the challenge of a 401; throws RegistryError `denied` when that is not possible. */
async function logIn(response: Response, url: URL, options: RepositoryOptions): Promise<string> {
  const challenge = parseChallenge(response.headers.get('www-authenticate'))
  const basic = options.credentials && basicAuthorization(options.credentials)
  if (challenge?.scheme === 'basic' && basic !== undefined) return basic
  const realm = challenge?.scheme === 'bearer' ? tokenUrl(challenge, `repository:${options.name}:pull`) : undefined
  if (!realm) throw await failureOf(response, options)
  if (basic !== undefined && url.protocol === 'https:' && realm.protocol !== 'https:') {
    throw new RegistryError('denied', `${url.host} wants the password to be sent without encryption to ${realm.host}`)
  }
  const answer = await fetchPatiently(realm, { headers: headersOf('application/json', basic) }, options.signal)
  if (!answer.ok) throw await failureOf(answer, options)
  const { token, access_token: accessToken } = (await answer.json()) as { token?: unknown; access_token?: unknown }
  const bearer = token ?? accessToken
  if (typeof bearer !== 'string') throw new RegistryError('other', `${realm.host} answered without a token`)
  return `Bearer ${bearer}`
}

function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** Tries again when the server is busy or the connection breaks; a server that is not there fails at once. */
async function fetchPatiently(url: URL, init: RequestInit, signal: AbortSignal): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await fetchOnce(url, init, signal)
    const busy = outcome instanceof Response ? outcome.status === 429 || outcome.status >= 500 : isTransient(outcome)
    if (!busy || attempt === attempts) {
      if (outcome instanceof Response) return outcome
      throw new RegistryError('unreachable', `cannot reach ${url.origin}: ${reasonOf(outcome)}`, { cause: outcome })
    }
    if (outcome instanceof Response) await outcome.body?.cancel()
    await pause(firstPauseMs * 3 ** (attempt - 1), undefined, { signal })
  }
}

async function fetchOnce(url: URL, init: RequestInit, signal: AbortSignal): Promise<Response | Error> {
  const headersInTime = new AbortController()
  const timer = setTimeout(() => headersInTime.abort(new Error('no answer in time')), headersTimeoutMs)
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any([signal, headersInTime.signal]) })
  } catch (error) {
    signal.throwIfAborted()
    return error as Error
  } finally {
    clearTimeout(timer)
  }
}

/** Refused, unknown and forbidden hosts stay so for longer than anybody wants to wait here. */
const transient: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'UND_ERR_SOCKET'])
const causeOf = (error: Error) => error.cause as NodeJS.ErrnoException | undefined
const isTransient = (error: Error) => transient.has(causeOf(error)?.code)
const reasonOf = (error: Error) => causeOf(error)?.message || causeOf(error)?.code || error.message

async function failureOf(response: Response, { baseUrl, name }: RepositoryOptions): Promise<RegistryError> {
  const said = await describeErrors(response)
  const detail = `${baseUrl} answered ${response.status} for ${name}${said && `: ${said}`}`
  switch (response.status) {
    case 404:
      return new RegistryError('not-found', detail)
    case 401:
    case 403:
      return new RegistryError('denied', `${detail} (it does not exist or needs a pull secret)`)
    default:
      return new RegistryError(response.status >= 500 ? 'unreachable' : 'other', detail)
  }
}

async function describeErrors(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  try {
    const { errors } = JSON.parse(text) as { errors?: { code?: string; message?: string }[] }
    return (errors ?? []).map(({ code, message }) => message || code || '').join(', ')
  } catch {
    return '' // Not every server writes JSON; the status then has to do.
  }
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return
  try {
    for await (const chunk of response.body) yield chunk
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error
    throw new RegistryError('unreachable', `the connection broke: ${reasonOf(error as Error)}`, { cause: error })
  }
}

async function readLimited(bytes: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > limit) throw new RegistryError('other', `the manifest is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
