/** A cluster's certificates and keys in its directory: made once, checked and renewed at every start. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { issueCertificate } from './issue-certificate.ts'
import type { Authority, CertificateRequest, KeyPair } from './issue-certificate.ts'

export interface PkiOptions {
  /** Addresses at which the API server answers, besides the host's loopback: Service IP, control-plane IP. */
  readonly ips: readonly string[]
  /** Further DNS names. */
  readonly names?: readonly string[]
  readonly nowMs?: number
}

export interface Pki {
  /** PEM of the one authority for serving and client certificates. */
  readonly caCertificate: string
  readonly serving: KeyPair
  /** kubernetes-admin of group system:masters. */
  readonly admin: KeyPair
  /** What frontdesk's edge process logs in with. */
  readonly edge: KeyPair
  /** PEM of the EC P-256 key that signs service-account tokens. */
  readonly serviceAccountKey: string
  /** Where it all lies: ca.crt, ca.key, apiserver.*, admin.*, edge.*, sa.key. */
  readonly directory: string
}

export const adminUser = { name: 'kubernetes-admin', groups: ['system:masters'] } as const
export const edgeUser = { name: 'system:frontdesk:edge', groups: ['system:frontdesk'] } as const

const standardNames = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
]
const standardIps = ['127.0.0.1', '::1']
const dayMs = 86_400_000
const renewBeforeMs = 30 * dayMs

/** Running it again changes nothing as long as everything is there, valid for another 30 days, and names all `ips`. */
export async function ensurePki(directory: string, options: PkiOptions): Promise<Pki> {
  const nowMs = options.nowMs ?? Date.now()
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = new PkiFiles(directory, nowMs)
  const ca = await files.keyPair('ca', { subject: { commonName: 'frontdesk-ca' }, usage: 'ca' }, undefined)
  const authority = { name: { commonName: 'frontdesk-ca' }, key: createPrivateKey(ca.key), certificate: ca.certificate }
  const client = (user: { name: string; groups: readonly string[] }): Wanted => ({
    subject: { commonName: user.name, organizations: user.groups },
    usage: 'client',
  })
  const serving: Wanted = {
    subject: { commonName: 'kube-apiserver' },
    usage: 'server',
    dnsNames: [...new Set([...standardNames, ...(options.names ?? [])])],
    ips: [...new Set([...standardIps, ...options.ips])],
  }
  return {
    directory,
    caCertificate: ca.certificate,
    serving: await files.keyPair('apiserver', serving, authority),
    admin: await files.keyPair('admin', client(adminUser), authority),
    edge: await files.keyPair('edge', client(edgeUser), authority),
    serviceAccountKey: await files.signingKey('sa'),
  }
}

type Wanted = Omit<CertificateRequest, 'notBeforeMs' | 'notAfterMs'>
type CertifiedAuthority = Authority & { readonly certificate: string }

class PkiFiles {
  readonly #directory: string
  readonly #nowMs: number

  constructor(directory: string, nowMs: number) {
    this.#directory = directory
    this.#nowMs = nowMs
  }

  async keyPair(name: string, wanted: Wanted, authority: CertifiedAuthority | undefined): Promise<KeyPair> {
    const certificate = await this.#read(`${name}.crt`)
    const key = await this.#read(`${name}.key`)
    if (certificate !== undefined && key !== undefined) {
      const pair = { certificate, key }
      if (isGood(pair, wanted, authority, this.#nowMs)) return pair
    }
    const fresh = issueCertificate(
      { ...wanted, notBeforeMs: this.#nowMs - dayMs, notAfterMs: this.#nowMs + (authority ? 365 : 3650) * dayMs },
      authority,
    )
    await this.#write(`${name}.key`, fresh.key, 0o600)
    await this.#write(`${name}.crt`, fresh.certificate, 0o644)
    return fresh
  }

  async signingKey(name: string): Promise<string> {
    const known = await this.#read(`${name}.key`)
    if (known !== undefined && createPublicKey(known).asymmetricKeyType === 'ec') return known
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    await this.#write(`${name}.key`, pem, 0o600)
    return pem
  }

  async #read(file: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.#directory, file), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** A crash leaves the old file or the new one, never half of one. */
  async #write(file: string, text: string, mode: number): Promise<void> {
    const target = path.join(this.#directory, file)
    await writeFile(`${target}.new`, text, { mode })
    await rename(`${target}.new`, target)
  }
}

/** A damaged file is not good either: it is made again. */
function isGood(pair: KeyPair, wanted: Wanted, authority: CertifiedAuthority | undefined, nowMs: number): boolean {
  const certificate = parseCertificate(pair.certificate)
  if (!certificate || !hasKey(certificate, pair.key)) return false
  const expiresMs = Date.parse(certificate.validTo)
  return (
    expiresMs - nowMs > renewBeforeMs &&
    (!authority || certificate.verify(createPublicKey(authority.certificate))) &&
    (wanted.dnsNames ?? []).every((name) => certificate.checkHost(name)) &&
    (wanted.ips ?? []).every((ip) => certificate.checkIP(ip))
  )
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function hasKey(certificate: X509Certificate, pem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(pem))
  } catch {
    return false
  }
}
