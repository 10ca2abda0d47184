/** What a client shows of itself: the certificate of its TLS connection, and a token. */
import type { TLSSocket } from 'node:tls'
import type { PresentedCredentials } from '../auth/authenticate.ts'
import { unauthorized } from '../auth/unauthorized.ts'

type Certificate = NonNullable<PresentedCredentials['certificate']>

const certificates = new WeakMap<object, Certificate | 'none' | 'foreign'>()

/** Throws 401 for a certificate that our authority did not sign, unless a token comes along. */
export function credentialsOf(
  socket: TLSSocket,
  authorization: string | undefined,
  webSocketToken?: string,
): PresentedCredentials {
  const certificate = certificateOf(socket)
  const hasToken = authorization !== undefined || webSocketToken !== undefined
  if (certificate === 'foreign' && !hasToken) throw unauthorized()
  return {
    ...(typeof certificate === 'object' && { certificate }),
    ...(authorization !== undefined && { authorization }),
    ...(webSocketToken !== undefined && { webSocketToken }),
  }
}

/** Read once per connection: parsing it takes longer than answering a small request. */
function certificateOf(socket: TLSSocket): Certificate | 'none' | 'foreign' {
  let certificate = certificates.get(socket)
  if (certificate === undefined) certificates.set(socket, (certificate = readCertificate(socket)))
  return certificate
}

function readCertificate(socket: TLSSocket): Certificate | 'none' | 'foreign' {
  const subject = socket.getPeerCertificate()?.subject as { CN?: string; O?: string | string[] } | undefined
  if (!subject) return 'none'
  if (!socket.authorized) return 'foreign'
  return { commonName: subject.CN ?? '', organizations: subject.O === undefined ? [] : [subject.O].flat() }
}
