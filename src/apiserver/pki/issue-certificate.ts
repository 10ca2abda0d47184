/**
 * Keys and certificates made with node:crypto and our own encoding: an X.509 library costs 100 ms to import, which is
 * a sixth of the whole start-up budget; this issues five certificates in a few milliseconds.
 */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { encodeCertificate, encodeToBeSigned } from './encode-certificate.ts'
import type { CertificateSpec, DistinguishedName } from './encode-certificate.ts'

/** PEM texts. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** Who signs; `name` is the subject of its certificate. */
export interface Authority {
  readonly name: DistinguishedName
  readonly key: KeyObject
}

export interface CertificateRequest extends Pick<CertificateSpec, 'subject' | 'usage' | 'dnsNames' | 'ips'> {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** Makes an EC P-256 key and a certificate for it. @param authority absent: signs itself */
export function issueCertificate(request: CertificateRequest, authority?: Authority): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = authority ?? { name: request.subject, key: privateKey }
  const serial = randomBytes(16)
  serial[0] = (serial[0]! & 0x7f) | 0x40
  const toBeSigned = encodeToBeSigned({
    ...request,
    serial,
    issuer: signer.name,
    publicKey: spki(publicKey),
    subjectKeyId: keyId(publicKey),
    authorityKeyId: keyId(createPublicKey(signer.key)),
  })
  const certificate = encodeCertificate(toBeSigned, sign('sha256', toBeSigned, signer.key))
  return {
    certificate: new X509Certificate(certificate).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

/** RFC 7093 method 1: the leftmost 160 bits of SHA-256; any value that names the key would do. */
const keyId = (key: KeyObject): Uint8Array => createHash('sha256').update(spki(key)).digest().subarray(0, 20)
