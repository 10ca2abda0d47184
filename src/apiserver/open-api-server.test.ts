import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { ApiRequest } from '#api/wire.ts'
import { silentLog } from '#observe/log.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import { standardPolicy } from './auth/policy.ts'
import { openApiServer } from './open-api-server.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const serviceAccountKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const admin = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }

test('a token of an account logs in, is reviewed, and dies with its account', async () => {
  await using store = openMemoryStore()
  await using server = await openApiServer({ store, log: silentLog, policy: standardPolicy, serviceAccountKey })
  const call = async (method: ApiRequest['method'], path: string, body?: object) => {
    const request = { method, path, query: new URLSearchParams(), headers: {}, user: admin }
    const signal = AbortSignal.timeout(5000)
    const response = await server.handle({ ...request, ...(body && { body }), signal })
    // oxlint-disable-next-line typescript/no-explicit-any
    return (response.body?.type === 'object' ? response.body.value : {}) as any
  }
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
  const accounts = '/api/v1/namespaces/default/serviceaccounts'
  const account = await call('POST', accounts, { metadata: { name: 'a' } })
  const { status } = await call('POST', `${accounts}/a/token`, { spec: {} })
  assert.equal(server.tokens.verify(status.token)?.user.name, 'system:serviceaccount:default:a')
  const reviews = '/apis/authentication.k8s.io/v1/tokenreviews'
  const review = await call('POST', reviews, { spec: { token: status.token } })
  assert.deepEqual([review.kind, review.status.user.uid], ['TokenReview', account.metadata.uid])
  const access = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
  })
  assert.equal(access.status.allowed, true)
  await call('DELETE', `${accounts}/a`)
  assert.equal(server.tokens.verify(status.token), undefined)
})
