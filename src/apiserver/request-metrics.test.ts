import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from '#observe/metrics.ts'
import { createAuthorizer } from './auth/authorize.ts'
import { standardPolicy } from './auth/policy.ts'
import { openTestServer } from './open-test-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const labels = (verb: string, rest: string) => `verb="${verb}",dry_run="",group="",version="v1",${rest}`

test('requests are counted by what they are about', async () => {
  await using server = await openTestServer({ metrics: await openMetrics() })
  await server.call('POST', maps, { metadata: { name: 'a' } })
  await server.call('POST', maps, { metadata: { name: 'a' } })
  await server.call('POST', `${maps}?dryRun=All`, { metadata: { name: 'b' } })
  await server.call('GET', `${maps}/a`)
  await server.call('GET', '/api/v1/configmaps')
  await server.call('PATCH', `${maps}/a?fieldManager=m`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}', {
    contentType: 'application/apply-patch+yaml',
  })
  await server.call('GET', '/healthz')
  const { text, status, headers } = await server.call('GET', '/metrics')
  assert.equal(status, 200)
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
  const ofMaps = 'resource="configmaps",subresource=""'
  for (const line of [
    `{${labels('POST', ofMaps)},scope="resource",component="apiserver",code="201"} 1`,
    `{${labels('POST', ofMaps)},scope="resource",component="apiserver",code="409"} 1`,
    `{${labels('POST', ofMaps).replace('dry_run=""', 'dry_run="All"')},scope="resource",component="apiserver",code="201"} 1`,
    `{${labels('GET', ofMaps)},scope="resource",component="apiserver",code="200"} 1`,
    `{${labels('LIST', ofMaps)},scope="cluster",component="apiserver",code="200"} 1`,
    `{${labels('APPLY', ofMaps)},scope="resource",component="apiserver",code="200"} 1`,
  ]) {
    assert.ok(text.includes(`\napiserver_request_total${line}\n`), `${line} in\n${text}`)
  }
  assert.match(
    text,
    /^apiserver_request_duration_seconds_count\{verb="POST",dry_run="",.*resource="configmaps".*\} 2$/m,
  )
  assert.match(text, /^apiserver_storage_objects\{resource="configmaps"\} 1$/m)
  assert.match(text, /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m)
})

test('what does not exist makes no series of its own', async () => {
  await using server = await openTestServer({ metrics: await openMetrics() })
  for (const path of [
    '/api/v1/namespaces/default/unheardof/x',
    `${maps}/a/unheardof`,
    '/apis/unheard.of/v1/things',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews/a/unheardof',
    '/unheardof',
    '/%zz',
  ]) {
    await server.call('GET', path)
  }
  const { text } = await server.call('GET', '/metrics')
  assert.doesNotMatch(text, /unheard/)
})

test('metrics are for administrators and monitoring', async () => {
  const authorize = createAuthorizer(standardPolicy)
  const may = (...groups: string[]) =>
    (authorize({ type: 'path', verb: 'get', path: '/metrics', user: { name: 'u', groups } }) as { allowed: boolean })
      .allowed
  assert.equal(may('system:masters'), true)
  assert.equal(may('system:monitoring'), true)
  assert.equal(may('system:authenticated'), false)
  assert.equal(may('system:unauthenticated'), false)
})

test('a server without metrics has no such page', async () => {
  await using server = await openTestServer()
  assert.equal((await server.call('GET', '/metrics')).status, 404)
})
