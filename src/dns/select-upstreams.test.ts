import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectUpstreams } from './select-upstreams.ts'

const server = (address: string) => [{ address, port: 53 }]
const select = selectUpstreams({ 'corp.example': server('10.0.0.1'), 'Lab.Corp.Example.': server('10.0.0.2') }, () =>
  server('192.0.2.53'),
)
const cases: readonly { name: string; expected: string }[] = [
  { name: 'corp.example', expected: '10.0.0.1' },
  { name: 'www.corp.example', expected: '10.0.0.1' },
  { name: 'a.lab.corp.example', expected: '10.0.0.2' },
  { name: 'notcorp.example', expected: '192.0.2.53' },
  { name: 'example.com', expected: '192.0.2.53' },
]
for (const { name, expected } of cases) {
  test(`stub domains: ${name}`, () => assert.equal(select(name)[0]!.address, expected))
}
test('stub domains: the empty one is every domain', () => {
  assert.equal(selectUpstreams({ '': server('10.0.0.9') }, () => [])('example.com')[0]!.address, '10.0.0.9')
})
