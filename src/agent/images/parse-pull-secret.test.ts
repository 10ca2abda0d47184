import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePullSecret, selectCredentials } from './parse-pull-secret.ts'

const auth = (text: string) => btoa(text)
const secret = JSON.stringify({
  auths: {
    'https://index.docker.io/v1/': { auth: auth('hub:a:b') },
    'ghcr.io': { username: 'me', password: 'pw' },
    'ghcr.io/team': { username: 'team', password: 'tp' },
    '*.example.com': { username: 'star', password: 's' },
    'localhost:5000': { username: 'local', password: 'l' },
    'empty.io': {},
  },
})

const cases: [string, string, string[]][] = [
  ['Docker Hub by its old address', 'busybox', ['hub:a:b']],
  ['by host', 'ghcr.io/other/x', ['me:pw']],
  ['the longer path first', 'ghcr.io/team/x', ['team:tp', 'me:pw']],
  ['a path matches whole parts', 'ghcr.io/teams/x', ['me:pw']],
  ['a star is one label', 'a.example.com/x', ['star:s']],
  ['a star is not two labels', 'a.b.example.com/x', []],
  ['the port counts', 'localhost:5001/x', []],
  ['the same port', 'localhost:5000/x', ['local:l']],
  ['an entry without a user', 'empty.io/x', []],
]

for (const [name, image, expected] of cases) {
  test(`pull secret: ${name}`, () => {
    const found = selectCredentials(parsePullSecret(secret), image)
    assert.deepEqual(
      found.map(({ username, password }) => `${username}:${password}`),
      expected,
    )
  })
}

test('pull secret: the older form without "auths"', () => {
  const entries = parsePullSecret(JSON.stringify({ 'a.io': { auth: auth('u:p') } }))
  assert.deepEqual(entries, [{ server: 'a.io', username: 'u', password: 'p' }])
})

for (const text of ['[]', '{"auths":[]}', '{"auths":{"a":1}}', '{"auths":{"a":{"auth":"eA=="}}}', 'x']) {
  test(`pull secret: ${text} is refused`, () => assert.throws(() => parsePullSecret(text)))
}
