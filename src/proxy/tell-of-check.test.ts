import assert from 'node:assert/strict'
import { test } from 'node:test'
import { service } from './suite/packet-case.ts'
import { tellOfCheck } from './tell-of-check.ts'

test('a health check that cannot be served is told on its Service', () => {
  const web = service()
  const told: string[] = []
  const tell = tellOfCheck(
    ({ metadata }, type, reason, message) => told.push([metadata.name, type, reason, message].join(' | ')),
    { get: ({ name }) => (name === 'web' ? web : undefined) },
    'node-1',
  )
  const check = { namespace: 'default', port: 31_000, localEndpoints: 1 }
  tell({ ...check, name: 'web' }, new Error('taken'))
  tell({ ...check, name: 'gone meanwhile' }, new Error('taken'))
  assert.deepEqual(told, [
    'web | Warning | FailedToStartServiceHealthcheck | Node node-1 cannot serve the health check on port 31000: taken',
  ])
})
