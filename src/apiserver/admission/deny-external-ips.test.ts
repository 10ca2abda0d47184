import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kind } from '#api/kind.ts'
import type { Write } from '../write/write.ts'
import { denyExternalIps } from './deny-external-ips.ts'
import { openTestServer } from '../open-test-server.ts'
import { standardAdmission } from './standard-admission.ts'

const path = '/api/v1/namespaces/default/services'
const service = (name: string, externalIPs?: string[]) => ({
  metadata: { name },
  spec: { clusterIP: 'None', ports: [{ port: 80 }], ...(externalIPs && { externalIPs }) },
})

const open = (plugins: readonly 'DenyServiceExternalIPs'[]) =>
  openTestServer({ admission: (objects) => standardAdmission(objects, plugins) })

async function prepare(server: Awaited<ReturnType<typeof open>>) {
  await server.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', {
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/24'] },
  })
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
}

test('external IPs are free to use unless denied', async () => {
  await using server = await open([])
  await prepare(server)
  assert.equal((await server.call('POST', path, service('a', ['1.2.3.4']))).status, 201)
})

test('denied: new ones are refused, old ones may stay or go', async () => {
  await using server = await open(['DenyServiceExternalIPs'])
  await prepare(server)
  const refused = await server.call('POST', path, service('a', ['1.2.3.4']))
  assert.deepEqual(
    [refused.status, refused.object.message],
    [403, 'services "a" is forbidden: Use of external IPs is denied by admission control'],
  )
  const dry = await server.call('POST', `${path}?dryRun=All`, service('a', ['1.2.3.4']))
  assert.equal(dry.status, 403)
  assert.equal((await server.call('POST', path, service('a'))).status, 201)
  const merge = { contentType: 'application/merge-patch+json' }
  const adding = await server.call('PATCH', `${path}/a`, JSON.stringify({ spec: { externalIPs: ['1.2.3.4'] } }), merge)
  assert.equal(adding.status, 403)
  const label = await server.call('PATCH', `${path}/a`, JSON.stringify({ metadata: { labels: { x: 'y' } } }), merge)
  assert.equal(label.status, 200)
})

test('what was there before the plugin was chosen may stay or become less', () => {
  const kind = { group: '', plural: 'services' } as Kind
  const write = (before: string[], after: string[]) => () =>
    denyExternalIps({
      ...({ kind, operation: 'update', name: 'a' } as Write),
      object: service('a', after) as unknown as Write['object'],
      before: service('a', before) as unknown as Write['object'],
    })
  assert.doesNotThrow(write(['1.2.3.4', '1.2.3.5'], ['1.2.3.5', '1.2.3.4']))
  assert.doesNotThrow(write(['1.2.3.4', '1.2.3.5'], ['1.2.3.5']))
  assert.doesNotThrow(write(['1.2.3.4'], []))
  assert.throws(write(['1.2.3.4'], ['1.2.3.5']), /denied by admission control/)
})
