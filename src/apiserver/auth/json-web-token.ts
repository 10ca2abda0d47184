/** JSON Web Tokens (RFC 7519) signed with ES256: making them, and checking form and signature. */
import { createHash, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export type Claims = Readonly<Record<string, unknown>>

/** Names the key in headers: the hash of its public half. */
export function keyIdOf(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
}

export function signToken(claims: Claims, privateKey: KeyObject): string {
  const header = { alg: 'ES256', kid: keyIdOf(privateKey), typ: 'JWT' }
  const signed = `${encodePart(header)}.${encodePart(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

/** @returns undefined unless it is a token that this key signed; times and audiences are the caller's to check */
export function readToken(token: string, publicKey: KeyObject): Claims | undefined {
  const [header, payload, signature, ...more] = token.split('.')
  if (!header || !payload || !signature || more.length > 0) return undefined
  if (decodePart(header)?.alg !== 'ES256') return undefined
  const signed = Buffer.from(`${header}.${payload}`)
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  if (!verify('sha256', signed, key, Buffer.from(signature, 'base64url'))) return undefined
  return decodePart(payload)
}

const encodePart = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function decodePart(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Claims) : undefined
  } catch {
    return undefined
  }
}
