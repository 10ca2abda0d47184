/** X.509 v3 certificates (RFC 5280) signed with ECDSA and SHA-256, as bytes. */
import { parseIp } from '#lib/ip.ts'
import * as der from './encode-der.ts'

export interface CertificateSpec {
  /** Big-endian, positive, at most 20 bytes. */
  readonly serial: Uint8Array
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  readonly subjectKeyId: Uint8Array
  readonly authorityKeyId: Uint8Array
  readonly usage: 'ca' | 'server' | 'client'
  readonly dnsNames?: readonly string[]
  readonly ips?: readonly string[]
}

export interface DistinguishedName {
  readonly commonName: string
  readonly organizations?: readonly string[]
}

const ecdsaWithSha256 = der.sequence(der.oid('1.2.840.10045.4.3.2'))

/** The part that is signed. */
export function encodeToBeSigned(spec: CertificateSpec): Uint8Array {
  return der.sequence(
    der.explicit(0, der.unsignedInteger(Uint8Array.of(2))),
    der.unsignedInteger(spec.serial),
    ecdsaWithSha256,
    encodeName(spec.issuer),
    der.sequence(der.time(spec.notBeforeMs), der.time(spec.notAfterMs)),
    encodeName(spec.subject),
    spec.publicKey,
    der.explicit(3, der.sequence(...encodeExtensions(spec))),
  )
}

/** @param signature ECDSA signature over `toBeSigned`, in DER */
export function encodeCertificate(toBeSigned: Uint8Array, signature: Uint8Array): Uint8Array {
  return der.sequence(toBeSigned, ecdsaWithSha256, der.bitString(signature))
}

function encodeName({ commonName, organizations = [] }: DistinguishedName): Uint8Array {
  const attribute = (type: string, text: string) => der.set(der.sequence(der.oid(type), der.utf8String(text)))
  return der.sequence(...organizations.map((text) => attribute('2.5.4.10', text)), attribute('2.5.4.3', commonName))
}

function encodeExtensions(spec: CertificateSpec): Uint8Array[] {
  const isCa = spec.usage === 'ca'
  return [
    extension('2.5.29.19', isCa ? der.sequence(der.boolean(true)) : der.sequence(), 'critical'),
    // Bits from the left: digitalSignature 0, keyCertSign 5, cRLSign 6.
    extension(
      '2.5.29.15',
      isCa ? der.bitString(Uint8Array.of(0x86), 1) : der.bitString(Uint8Array.of(0x80), 7),
      'critical',
    ),
    extension('2.5.29.14', der.octetString(spec.subjectKeyId)),
    extension('2.5.29.35', der.sequence(der.implicit(0, spec.authorityKeyId))),
    ...(isCa ? [] : [extension('2.5.29.37', der.sequence(extendedUsage(spec.usage)))]),
    ...alternativeNames(spec),
  ]
}

const extendedUsage = (usage: CertificateSpec['usage']): Uint8Array =>
  der.oid(usage === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2')

function alternativeNames({ dnsNames = [], ips = [] }: CertificateSpec): Uint8Array[] {
  if (dnsNames.length + ips.length === 0) return []
  const names = dnsNames.map((name) => der.implicit(2, new TextEncoder().encode(name)))
  const addresses = ips.map((ip) => der.implicit(7, ipBytes(ip)))
  return [extension('2.5.29.17', der.sequence(...names, ...addresses))]
}

function ipBytes(text: string): Uint8Array {
  const address = parseIp(text)
  if (!address) throw new Error(`Cannot put ${text} into a certificate: it is not an IP address`)
  return address.bytes
}

function extension(type: string, value: Uint8Array, critical?: 'critical'): Uint8Array {
  return der.sequence(der.oid(type), ...(critical ? [der.boolean(true)] : []), der.octetString(value))
}
