import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChallenge, tokenUrl } from './parse-challenge.ts'

const cases: [string, string | null, ReturnType<typeof parseChallenge>][] = [
  ['no header', null, undefined],
  ['an unknown scheme', 'Negotiate', undefined],
  ['basic', 'Basic realm="registry"', { scheme: 'basic', parameters: { realm: 'registry' } }],
  ['basic without parameters', 'basic', { scheme: 'basic', parameters: {} }],
  [
    'bearer',
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    {
      scheme: 'bearer',
      parameters: {
        realm: 'https://auth.docker.io/token',
        service: 'registry.docker.io',
        scope: 'repository:a/b:pull,push',
      },
    },
  ],
  [
    'bearer preferred to basic',
    'Basic realm="x", Bearer realm="http://y/t", service=s',
    { scheme: 'bearer', parameters: { realm: 'http://y/t', service: 's' } },
  ],
  ['escaped quotes', 'Basic realm="a\\"b"', { scheme: 'basic', parameters: { realm: 'a"b' } }],
]

for (const [name, header, expected] of cases) {
  test(`challenge: ${name}`, () => assert.deepEqual(parseChallenge(header), expected))
}

test('a token is asked for with service and scope', () => {
  const challenge = parseChallenge('Bearer realm="http://auth/t?x=1",service="reg"')
  assert.ok(challenge)
  assert.equal(
    tokenUrl(challenge, 'repository:a:pull')?.href,
    'http://auth/t?x=1&service=reg&scope=repository%3Aa%3Apull',
  )
})

test('a realm that is no URL is not used', () => {
  assert.equal(tokenUrl({ scheme: 'bearer', parameters: { realm: 'no url' } }, 's'), undefined)
})
