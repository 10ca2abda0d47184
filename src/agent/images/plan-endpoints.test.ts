import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planEndpoints, type RegistriesConfig } from './plan-endpoints.ts'

const cases: [string, string, RegistriesConfig, string[]][] = [
  ['Docker Hub has another host name', 'docker.io', {}, ['https://registry-1.docker.io']],
  ['any other registry is asked by https', 'ghcr.io', {}, ['https://ghcr.io']],
  ['localhost is plain', 'localhost:5000', {}, ['http://localhost:5000']],
  ['127.0.0.0/8 is plain', '127.1.2.3:5000', {}, ['http://127.1.2.3:5000']],
  ['::1 is plain', '[::1]:5000', {}, ['http://[::1]:5000']],
  ['a name that begins like localhost is not', 'localhost.example', {}, ['https://localhost.example']],
  ['plainHttp', 'reg.lan', { 'reg.lan': { plainHttp: true } }, ['http://reg.lan']],
  ['plainHttp false', 'localhost:1', { 'localhost:1': { plainHttp: false } }, ['https://localhost:1']],
  [
    'mirrors come first',
    'a.io',
    { 'a.io': { mirrors: ['http://m:1/', 'http://n'] } },
    ['http://m:1', 'http://n', 'https://a.io'],
  ],
  ['mirrorsOnly', 'a.io', { 'a.io': { mirrors: ['http://m:1'], mirrorsOnly: true } }, ['http://m:1']],
]

for (const [name, registry, config, expected] of cases) {
  test(`endpoints: ${name}`, () => {
    assert.deepEqual(
      planEndpoints(registry, config).map(({ baseUrl }) => baseUrl),
      expected,
    )
  })
}

test('mirrors never see the credentials of the registry', () => {
  const endpoints = planEndpoints('a.io', { 'a.io': { mirrors: ['http://m'] } })
  assert.deepEqual(
    endpoints.map(({ takesCredentials }) => takesCredentials),
    [false, true],
  )
})
