import assert from 'node:assert/strict'
import { X509Certificate, createPublicKey } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ensurePki } from './open-pki.ts'
import { renderKubeconfig } from './render-kubeconfig.ts'

const dayMs = 86_400_000
let directory = ''
describe('certificates', () => {
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'apiserver-pki-'))
  })
  after(() => rm(directory, { recursive: true }))

  const options = { ips: ['10.96.0.1', '172.30.0.1', 'fd00::1'], names: ['control-plane.example'] }

  test('pki: the serving certificate is good for every name and address', async () => {
    const pki = await ensurePki(directory, options)
    const serving = new X509Certificate(pki.serving.certificate)
    assert.ok(serving.verify(createPublicKey(pki.caCertificate)))
    const names = ['localhost', 'kubernetes', 'kubernetes.default.svc.cluster.local', 'control-plane.example']
    for (const name of names) assert.ok(serving.checkHost(name), name)
    for (const ip of ['127.0.0.1', '::1', ...options.ips]) assert.ok(serving.checkIP(ip), ip)
    assert.equal(serving.checkHost('other.example'), undefined)
    assert.deepEqual(serving.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    assert.equal(serving.ca, false)
  })

  test('pki: the authority signs itself, clients carry user and groups', async () => {
    const pki = await ensurePki(directory, options)
    const ca = new X509Certificate(pki.caCertificate)
    assert.ok(ca.ca && ca.verify(ca.publicKey) && ca.checkIssued(ca))
    const admin = new X509Certificate(pki.admin.certificate)
    assert.equal(admin.subject, 'O=system:masters\nCN=kubernetes-admin')
    assert.ok(admin.checkIssued(ca))
  })

  test('pki: @peculiar/x509 reads the same out of it', async () => {
    await import('reflect-metadata')
    const x509 = await import('@peculiar/x509')
    const pki = await ensurePki(directory, options)
    const serving = new x509.X509Certificate(pki.serving.certificate)
    const names = serving.getExtension(x509.SubjectAlternativeNameExtension)
    assert.deepEqual(
      names?.names.items.slice(-5).map((item) => item.value),
      ['127.0.0.1', '::1', '10.96.0.1', '172.30.0.1', 'fd00::1'],
    )
    assert.ok(await serving.verify({ publicKey: new x509.X509Certificate(pki.caCertificate).publicKey }))
  })

  test('pki: running it again changes nothing', async () => {
    const first = await ensurePki(directory, options)
    assert.deepEqual(await ensurePki(directory, { ips: ['10.96.0.1'] }), first)
    assert.equal((await stat(path.join(directory, 'sa.key'))).mode & 0o777, 0o600)
  })

  const renewals = [
    { name: 'a new address', change: { ips: [...options.ips, '10.99.0.1'] }, renewed: ['serving'] },
    { name: 'eleven months', change: { nowMs: Date.now() + 340 * dayMs }, renewed: ['serving', 'admin', 'edge'] },
  ]
  for (const { name, change, renewed } of renewals) {
    test(`pki: ${name} renews ${renewed.join(', ')} and keeps the authority`, async () => {
      const first = await ensurePki(directory, options)
      const second = await ensurePki(directory, { ...options, ...change })
      assert.equal(second.caCertificate, first.caCertificate)
      assert.equal(second.serviceAccountKey, first.serviceAccountKey)
      const changed = (['serving', 'admin', 'edge'] as const).filter((key) => first[key].key !== second[key].key)
      assert.deepEqual(changed, renewed)
    })
  }

  test('pki: a damaged or mismatched file is made again', async () => {
    await ensurePki(directory, options)
    await writeFile(path.join(directory, 'admin.crt'), 'nonsense')
    await writeFile(path.join(directory, 'edge.key'), await readFile(path.join(directory, 'admin.key')))
    const pki = await ensurePki(directory, options)
    for (const pair of [pki.admin, pki.edge]) {
      assert.ok(new X509Certificate(pair.certificate).verify(createPublicKey(pki.caCertificate)))
    }
  })

  test('pki: the kubeconfig embeds everything', async () => {
    const pki = await ensurePki(directory, options)
    const request = {
      name: 'frontdesk-x',
      server: 'https://127.0.0.1:1',
      caCertificate: pki.caCertificate,
      user: pki.admin,
    }
    const config = renderKubeconfig(request)
    assert.equal(config['current-context'], 'frontdesk-x')
    assert.equal(Buffer.from(config.users[0]!.user['client-key-data'], 'base64').toString(), pki.admin.key)
  })
})
