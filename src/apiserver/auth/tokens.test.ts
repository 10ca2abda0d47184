import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { createAuthenticator } from './authenticate.ts'
import { parseOfferedProtocols } from './select-subprotocol.ts'
import { createServiceAccountTokens } from './service-account-tokens.ts'

const newKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const key = newKey()
const account = { namespace: 'a', name: 'default', uid: 'u1' }

function server(changes: { nowMs?: number; uids?: Record<string, string>; key?: string } = {}) {
  const uids: Record<string, string> = changes.uids ?? { 'ServiceAccount/a/default': 'u1', 'Pod/a/p': 'u2' }
  return createServiceAccountTokens({
    key: changes.key ?? key,
    clock: { nowMs: () => changes.nowMs ?? 1_000_000 },
    uidOf: (kind, namespace, name) => uids[`${kind}/${namespace}/${name}`],
  })
}

const bound = { boundTo: { kind: 'Pod', name: 'p', uid: 'u2' } } as const
const cases = [
  { name: 'fresh', mint: {}, at: {}, good: true },
  { name: 'just before its hour is over', mint: {}, at: { nowMs: 1_000_000 + 3_599_000 }, good: true },
  { name: 'expired', mint: {}, at: { nowMs: 1_000_000 + 3_600_000 }, good: false },
  {
    name: 'for a short time only: ten minutes are given',
    mint: { expirationSeconds: 1 },
    at: { nowMs: 1_590_000 },
    good: true,
  },
  { name: 'of a deleted account', mint: {}, at: { uids: {} }, good: false },
  { name: 'of an account made anew', mint: {}, at: { uids: { 'ServiceAccount/a/default': 'u9' } }, good: false },
  { name: 'bound to a pod', mint: bound, at: {}, good: true },
  { name: 'of a deleted pod', mint: bound, at: { uids: { 'ServiceAccount/a/default': 'u1' } }, good: false },
  { name: 'for another audience', mint: { audiences: ['vault'] }, at: {}, good: false },
  { name: 'of another cluster', mint: {}, at: { key: newKey() }, good: false },
]
for (const { name, mint, at, good } of cases) {
  test(`service-account token ${name} is ${good ? 'taken' : 'refused'}`, () => {
    const { token } = server().mint(account, mint)
    assert.equal(server(at).verify(token)?.user.name, good ? 'system:serviceaccount:a:default' : undefined)
  })
}

test('service-account token: groups, expiry and other audiences', () => {
  const minted = server().mint(account, { audiences: ['vault', 'x'] })
  assert.equal(minted.expirationTimestamp, '1970-01-01T01:16:40Z')
  const verified = server().verify(minted.token, ['vault', 'other'])
  assert.deepEqual(verified?.audiences, ['vault'])
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated']
  assert.deepEqual(verified?.user, { name: 'system:serviceaccount:a:default', uid: 'u1', groups })
})

test('service-account token: a changed payload, header or nonsense is refused', () => {
  const tokens = server()
  const [header, payload, signature] = tokens.mint(account).token.split('.') as [string, string, string]
  const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replaceAll('default', 'admin')).toString(
    'base64url',
  )
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  for (const text of [
    `${header}.${forged}.${signature}`,
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    'x',
    '..',
    '',
  ]) {
    assert.equal(tokens.verify(text), undefined, text)
  }
})

const authenticate = createAuthenticator({
  staticTokens: [{ token: 'secret', user: { name: 'bob', groups: ['team'] } }],
  verifyToken: (token) => (token === 'sa' ? { name: 'sa', groups: [] } : undefined),
})
const logins = [
  {
    name: 'client certificate before token',
    credentials: {
      certificate: { commonName: 'ann', organizations: ['system:masters'] },
      authorization: 'Bearer wrong',
    },
    user: 'ann system:masters,system:authenticated',
  },
  { name: 'static token', credentials: { authorization: 'Bearer secret' }, user: 'bob team,system:authenticated' },
  { name: 'scheme in lower case', credentials: { authorization: 'bearer sa' }, user: 'sa ' },
  { name: 'token of a WebSocket', credentials: { webSocketToken: 'sa' }, user: 'sa ' },
  { name: 'nothing', credentials: {}, user: 'system:anonymous system:unauthenticated' },
]
for (const { name, credentials, user } of logins) {
  test(`login by ${name}`, () => {
    const found = authenticate(credentials)
    assert.equal(`${found.name} ${found.groups.join()}`, user)
  })
}
for (const authorization of ['Bearer wrong', 'Bearer', 'Basic Ym9iOng=']) {
  test(`login with ${authorization} is 401`, () => {
    assert.throws(
      () => authenticate({ authorization }),
      (error: { code?: number }) => error.code === 401,
    )
  })
}

test('the token of a WebSocket is taken out of the offered subprotocols', () => {
  const token = Buffer.from('a?b>c').toString('base64url')
  const header = `base64url.bearer.authorization.k8s.io.${token}, v4.channel.k8s.io,base64.binary.k8s.io`
  assert.deepEqual(parseOfferedProtocols(header), {
    protocols: ['v4.channel.k8s.io', 'base64.binary.k8s.io'],
    token: 'a?b>c',
  })
  assert.deepEqual(parseOfferedProtocols(undefined), { protocols: [] })
  assert.equal(parseOfferedProtocols('base64url.bearer.authorization.k8s.io.%%').token, '')
})
