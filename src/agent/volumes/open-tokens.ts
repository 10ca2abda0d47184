/** Service-account tokens of one pod: asked from the API, used until four fifths of their time are over. */
import type { Pod } from '#api/pod.ts'
import { ServiceAccount } from '#api/service-account.ts'
import type { TokenRequest } from '#api/token-request.ts'
import type { ServiceAccountTokenProjection } from '#api/volume.ts'
import type { AgentContext } from '../agent-context.ts'
import { VolumeError, type IssuedToken } from './build-payload.ts'

export interface Tokens {
  issue(projection: ServiceAccountTokenProjection): Promise<IssuedToken>
}

const defaultSeconds = 3600

export function openTokens(context: AgentContext, pod: Pod): Tokens {
  const issued = new Map<string, IssuedToken>()
  return {
    issue: async (projection) => {
      const key = `${projection.audience ?? ''}/${projection.expirationSeconds ?? defaultSeconds}`
      const known = issued.get(key)
      if (known && known.refreshAtMs > context.clock.nowMs()) return known
      const fresh = await request(context, pod, projection)
      issued.set(key, fresh)
      return fresh
    },
  }
}

async function request(
  context: AgentContext,
  pod: Pod,
  { audience, expirationSeconds = defaultSeconds }: ServiceAccountTokenProjection,
): Promise<IssuedToken> {
  const { namespace = 'default', name, uid } = pod.metadata
  const account = pod.spec.serviceAccountName ?? 'default'
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: {},
    spec: {
      audiences: audience ? [audience] : [],
      expirationSeconds,
      boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uid },
    },
  }
  const nowMs = context.clock.nowMs()
  try {
    const accounts = context.client.of(ServiceAccount)
    const answer = (await accounts.createSubresource({ namespace, name: account }, 'token', body)) as TokenRequest
    const expiresMs = Date.parse(answer.status?.expirationTimestamp ?? '') || nowMs + expirationSeconds * 1000
    return { token: answer.status?.token ?? '', refreshAtMs: nowMs + (expiresMs - nowMs) * 0.8 }
  } catch (cause) {
    throw new VolumeError(`failed to fetch token: ${(cause as Error).message}`, { cause })
  }
}
