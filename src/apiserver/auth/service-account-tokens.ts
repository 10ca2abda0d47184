/** Tokens of service accounts: minted for pods and for `kubectl create token`, verified at login. */
import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto'
import type { UserInfo } from '#api/wire.ts'
import type { Clock } from '#lib/clock.ts'
import { type Claims, readToken, signToken } from './json-web-token.ts'

export interface TokenSubject {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface MintOptions {
  /** Absent or empty: the API server itself. */
  readonly audiences?: readonly string[]
  /** Default one hour; at least 10 minutes, at most 2^32 seconds, as in Kubernetes. */
  readonly expirationSeconds?: number
  /** The token dies with this object. */
  readonly boundTo?: BoundObject
}

export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node'
  readonly name: string
  readonly uid: string
}

export interface MintedToken {
  readonly token: string
  /** RFC 3339 */
  readonly expirationTimestamp: string
}

export interface ServiceAccountTokens {
  mint(account: TokenSubject, options?: MintOptions): MintedToken
  /** @returns undefined for a token that is not ours, expired, for another audience, or of something deleted */
  verify(token: string, audiences?: readonly string[]): VerifiedToken | undefined
}

export interface VerifiedToken {
  readonly user: UserInfo
  /** Those of the asked audiences that the token is good for. */
  readonly audiences: readonly string[]
}

export interface ServiceAccountTokensOptions {
  /** PEM of an EC P-256 private key. */
  readonly key: string
  readonly clock: Clock
  /** The uid of an object that exists now; tokens of others are refused. */
  readonly uidOf: (kind: 'ServiceAccount' | BoundObject['kind'], namespace: string, name: string) => string | undefined
}

export const tokenIssuer = 'https://kubernetes.default.svc.cluster.local'
const shortestSeconds = 600
const longestSeconds = 2 ** 32
const cachedTokens = 4_096

export function createServiceAccountTokens(options: ServiceAccountTokensOptions): ServiceAccountTokens {
  const { clock, uidOf } = options
  const privateKey = createPrivateKey(options.key)
  const publicKey = createPublicKey(options.key)
  /** By hash, so that a dump of memory shows no tokens. Only the signature is remembered, all else is checked anew. */
  const known = new Map<string, Claims>()

  const claimsOf = (token: string): Claims | undefined => {
    const hash = createHash('sha256').update(token).digest('base64')
    const cached = known.get(hash)
    if (cached) return cached
    const claims = readToken(token, publicKey)
    if (!claims) return undefined
    if (known.size >= cachedTokens) known.clear()
    known.set(hash, claims)
    return claims
  }

  return {
    mint: (account, { audiences = [], expirationSeconds = 3_600, boundTo } = {}) => {
      const now = Math.floor(clock.nowMs() / 1_000)
      const exp = now + Math.min(Math.max(expirationSeconds, shortestSeconds), longestSeconds)
      const { namespace, name, uid } = account
      const bound = boundTo && { [boundTo.kind.toLowerCase()]: { name: boundTo.name, uid: boundTo.uid } }
      const claims = {
        iss: tokenIssuer,
        sub: `system:serviceaccount:${namespace}:${name}`,
        aud: audiences.length > 0 ? audiences : [tokenIssuer],
        iat: now,
        nbf: now,
        exp,
        jti: randomUUID(),
        'kubernetes.io': { namespace, serviceaccount: { name, uid }, ...bound },
      }
      const expirationTimestamp = new Date(exp * 1_000).toISOString().replace('.000Z', 'Z')
      return { token: signToken(claims, privateKey), expirationTimestamp }
    },

    verify: (token, wanted = [tokenIssuer]) => {
      const claims = claimsOf(token)
      const subject = claims && subjectOf(claims, clock.nowMs() / 1_000)
      if (!subject) return undefined
      const audiences = wanted.filter((audience) => subject.audiences.includes(audience))
      if (audiences.length === 0) return undefined
      const { namespace, name, uid, boundTo } = subject
      if (uidOf('ServiceAccount', namespace, name) !== uid) return undefined
      if (boundTo && uidOf(boundTo.kind, namespace, boundTo.name) !== boundTo.uid) return undefined
      return { user: serviceAccountUser(subject), audiences }
    },
  }
}

export function serviceAccountUser({ namespace, name, uid }: TokenSubject): UserInfo {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
  return { name: `system:serviceaccount:${namespace}:${name}`, uid, groups }
}

type Subject = TokenSubject & { readonly audiences: readonly string[]; readonly boundTo?: BoundObject }

/** Our own key signed them, so their shape is known; times and issuer are checked. */
function subjectOf(claims: Claims, nowSeconds: number): Subject | undefined {
  const { iss, exp, nbf, aud } = claims as { iss?: string; exp?: number; nbf?: number; aud?: string[] }
  if (iss !== tokenIssuer || !exp || exp <= nowSeconds || (nbf ?? 0) > nowSeconds + 10) return undefined
  const own = claims['kubernetes.io'] as
    | ({ namespace: string; serviceaccount: { name: string; uid: string } } & Record<
        string,
        { name: string; uid: string }
      >)
    | undefined
  if (!own?.serviceaccount) return undefined
  const kind = (['Pod', 'Secret', 'Node'] as const).find((candidate) => own[candidate.toLowerCase()])
  const bound = kind && own[kind.toLowerCase()]
  return {
    namespace: own.namespace,
    ...own.serviceaccount,
    audiences: aud ?? [],
    ...(kind && bound && { boundTo: { kind, ...bound } }),
  }
}
