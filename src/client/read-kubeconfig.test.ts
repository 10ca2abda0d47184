import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readKubeconfig, readServiceAccount } from './read-kubeconfig.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const first = `
current-context: one
clusters:
- name: c1
  cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: ${base64('CA')}, tls-server-name: kubernetes}
users:
- name: u1
  user: {client-certificate-data: ${base64('CERT')}, client-key: key.pem}
contexts:
- name: one
  context: {cluster: c1, user: u1}
- name: broken
  context: {cluster: nowhere, user: u1}
- name: plugin
  context: {cluster: c1, user: plugin}
`
const second = `
current-context: two
clusters:
- name: c1
  cluster: {server: "https://shadowed:1"}
- name: c2
  cluster: {server: "http://127.0.0.1:8001", insecure-skip-tls-verify: true}
users:
- name: u2
  user: {tokenFile: token}
- name: plugin
  user: {exec: {command: aws}}
contexts:
- name: two
  context: {cluster: c2, user: u2, namespace: web}
`

let directory = ''
const file = (name: string) => path.join(directory, name)
describe('how to reach a cluster', () => {
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'client-kubeconfig-'))
    const files = {
      a: first,
      b: second,
      'key.pem': 'KEY',
      token: 'TOKEN\n',
      empty: '',
      'ca.crt': 'CA',
      namespace: 'web',
    }
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(file(name), text)))
  })
  after(() => rm(directory, { recursive: true }))

  test('kubeconfig: the current context, embedded data and a file beside it', async () => {
    assert.deepEqual(await readKubeconfig({ paths: [file('a')] }), {
      server: 'https://127.0.0.1:6443',
      namespace: 'default',
      ca: 'CA',
      clientCertificate: 'CERT',
      clientKey: 'KEY',
      tlsServerName: 'kubernetes',
    })
  })

  test('kubeconfig: several files, the first wins, missing ones are passed over', async () => {
    const paths = [file('missing'), file('a'), file('b')]
    assert.equal((await readKubeconfig({ paths })).server, 'https://127.0.0.1:6443')
    const two = await readKubeconfig({ paths, context: 'two' })
    assert.equal(two.namespace, 'web')
    assert.equal(two.skipTlsVerify, true)
    assert.equal(await two.token?.(), 'TOKEN')
  })

  const failures = [
    { name: 'no file at all', paths: ['missing'], context: undefined, message: /there is no .*missing/ },
    { name: 'no current context', paths: ['empty'], context: undefined, message: /names no current-context/ },
    { name: 'an unknown context', paths: ['a'], context: 'three', message: /no such context/ },
    { name: 'an unknown cluster', paths: ['a'], context: 'broken', message: /no such cluster/ },
    { name: 'a login plug-in', paths: ['a', 'b'], context: 'plugin', message: /plug-in command/ },
  ]
  for (const { name, paths, context, message } of failures) {
    test(`kubeconfig: ${name} is said plainly`, async () => {
      await assert.rejects(readKubeconfig({ paths: paths.map(file), ...(context && { context }) }), message)
    })
  }

  test('service account of a pod', async () => {
    const access = await readServiceAccount(
      { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' },
      directory,
    )
    assert.equal(access.server, 'https://[fd00::1]:443')
    assert.equal(access.ca, 'CA')
    assert.equal(access.namespace, 'web')
    assert.equal(await access.token?.(), 'TOKEN')
    await assert.rejects(readServiceAccount({}, directory), /not set/)
  })
})
