/** What a client shows of itself: the certificate of its TLS connection, and a token. */
import type { PresentedCredentials } from '../auth/authenticate.ts'
import { unauthorized } from '../auth/unauthorized.ts'
import type { TlsPeer } from './exchange.ts'

type Certificate = NonNullable<PresentedCredentials['certificate']>

const certificates = new WeakMap<object, Certificate | 'none' | 'foreign'>()

/** Throws 401 for a certificate that our authority did not sign, unless a token comes along. */
export function credentialsOf(
  peer: TlsPeer,
  authorization: string | undefined,
  webSocketToken?: string,
): PresentedCredentials {
  const certificate = certificateOf(peer)
  const hasToken = authorization !== undefined || webSocketToken !== undefined
  if (certificate === 'foreign' && !hasToken) throw unauthorized()
  return {
    ...(typeof certificate === 'object' && { certificate }),
    ...(authorization !== undefined && { authorization }),
    ...(webSocketToken !== undefined && { webSocketToken }),
  }
}

/** Read once per connection: parsing it takes longer than answering a small request. */
function certificateOf(peer: TlsPeer): Certificate | 'none' | 'foreign' {
  let certificate = certificates.get(peer)
  if (certificate === undefined) certificates.set(peer, (certificate = readCertificate(peer)))
  return certificate
}

function readCertificate(peer: TlsPeer): Certificate | 'none' | 'foreign' {
  const subject = peer.getPeerCertificate()?.subject as { CN?: string; O?: string | string[] } | undefined
  if (!subject) return 'none'
  if (!peer.authorized) return 'foreign'
  return { commonName: subject.CN ?? '', organizations: subject.O === undefined ? [] : [subject.O].flat() }
}
