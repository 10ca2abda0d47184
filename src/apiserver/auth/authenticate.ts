/** Who is asking: by client certificate, by bearer token, or nobody in particular. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { UserInfo } from '#api/wire.ts'
import { unauthorized } from './unauthorized.ts'

export interface PresentedCredentials {
  /** Subject of a client certificate that TLS has verified against our authority. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] }
  /** Value of the `Authorization` header. */
  readonly authorization?: string
  /** Token that a browser put into `Sec-WebSocket-Protocol`, as it cannot set headers there. */
  readonly webSocketToken?: string
}

/** Throws 401 for credentials that are wrong. None at all is system:anonymous. */
export type Authenticate = (credentials: PresentedCredentials) => UserInfo

export interface StaticToken {
  readonly token: string
  readonly user: UserInfo
}

export interface AuthenticateOptions {
  readonly staticTokens?: readonly StaticToken[]
  /** Service-account tokens. */
  readonly verifyToken?: (token: string) => UserInfo | undefined
}

export const anonymousUser: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

export function createAuthenticator({ staticTokens = [], verifyToken }: AuthenticateOptions): Authenticate {
  const known = staticTokens.map(({ token, user }) => ({ digest: digest(token), user: authenticated(user) }))

  const byToken = (token: string): UserInfo => {
    const asked = digest(token)
    const user = known.find((entry) => timingSafeEqual(entry.digest, asked))?.user ?? verifyToken?.(token)
    if (!user) throw unauthorized()
    return user
  }

  return ({ certificate, authorization, webSocketToken }) => {
    if (certificate && certificate.commonName !== '') {
      return authenticated({ name: certificate.commonName, groups: certificate.organizations })
    }
    const token = bearerToken(authorization) ?? webSocketToken
    if (token !== undefined) return byToken(token)
    // Basic and other schemes are not ours: taking them for nobody would hide a misconfigured client.
    if (authorization) throw unauthorized()
    return anonymousUser
  }
}

/** Who has any identity also belongs to system:authenticated. */
export function authenticated(user: UserInfo): UserInfo {
  if (user.groups.includes('system:authenticated')) return user
  return { ...user, groups: [...user.groups, 'system:authenticated'] }
}

function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
