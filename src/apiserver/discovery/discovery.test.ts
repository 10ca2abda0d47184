import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestServer } from '../open-test-server.ts'

const aggregated = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`

test('aggregated discovery, in the version asked for, with an ETag', async () => {
  await using server = await openTestServer()
  for (const version of ['v2', 'v2beta1']) {
    const first = await server.call('GET', '/apis', undefined, { accept: aggregated(version) })
    assert.equal(
      first.headers['content-type'],
      `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    )
    const document = JSON.parse(first.text)
    const apps = document.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'apps')
    const resource = apps.versions[0].resources.find((each: { resource: string }) => each.resource === 'deployments')
    assert.deepEqual(resource.responseKind, { group: 'apps', version: 'v1', kind: 'Deployment' })
    assert.deepEqual(
      resource.subresources.map(({ subresource }: { subresource: string }) => subresource),
      ['status', 'scale'],
    )
    const headers = { 'if-none-match': first.headers['etag']! }
    const again = await server.call('GET', '/apis', undefined, { accept: aggregated(version), headers })
    assert.equal(again.status, 304)
  }
})

test('legacy discovery, with and without a trailing slash', async () => {
  await using server = await openTestServer()
  assert.deepEqual((await server.call('GET', '/api/')).object.versions, ['v1'])
  assert.equal((await server.call('GET', '/apis')).object.kind, 'APIGroupList')
  assert.equal((await server.call('GET', '/apis/apps')).object.preferredVersion.groupVersion, 'apps/v1')
  const { object } = await server.call('GET', '/api/v1')
  const eviction = object.resources.find(({ name }: { name: string }) => name === 'pods/eviction')
  assert.deepEqual([eviction.group, eviction.version, eviction.kind], ['policy', 'v1', 'Eviction'])
  const services = object.resources.find(({ name }: { name: string }) => name === 'services')
  assert.deepEqual([services.shortNames, services.categories], [['svc'], ['all']])
})

test('version and health', async () => {
  await using server = await openTestServer()
  const { object } = await server.call('GET', '/version/')
  assert.deepEqual([object.major, object.minor, object.gitVersion], ['1', '36', 'v1.36.0+frontdesk'])
  assert.equal((await server.call('GET', '/readyz')).text, 'ok')
  assert.equal((await server.call('GET', '/livez?verbose')).text, '[+]ping ok\nlivez check passed\n')
})

test('OpenAPI: an index with addresses that name the content, and version 2 for old clients', async () => {
  await using server = await openTestServer()
  const index = JSON.parse((await server.call('GET', '/openapi/v3')).text)
  const address = index.paths['apis/apps/v1'].serverRelativeURL
  const answer = await server.call('GET', address)
  assert.equal(answer.headers['cache-control'], 'public, immutable')
  assert.ok(JSON.parse(answer.text).components.schemas['io.k8s.api.apps.v1.Deployment'])
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
  const old = await server.call('GET', '/openapi/v2', undefined, { accept })
  assert.equal(old.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
})

test('paths that do not exist', async () => {
  await using server = await openTestServer()
  for (const path of ['/nonsense', '/apis/nope', '/apis/apps/v9', '/openapi/v3/apis/nope', '/apis/apps/v1/pods']) {
    assert.equal((await server.call('GET', path)).status, 404, path)
  }
})

test('Tables and metadata, in answers and in watches', async () => {
  await using server = await openTestServer()
  const maps = '/api/v1/namespaces/default/configmaps'
  await server.call('POST', maps, { metadata: { name: 'a' }, data: { x: '1' } })
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  const { object } = await server.call('GET', maps, undefined, { accept: table })
  assert.equal(object.kind, 'Table')
  assert.deepEqual(object.columnDefinitions[0].name, 'Name')
  assert.equal(object.rows[0].cells.length, object.columnDefinitions.length)
  assert.equal(object.rows[0].object.kind, 'PartialObjectMetadata')
  await using watch = server.watch(`${maps}?watch=true`, { accept: table })
  const first = (await watch.next()).object as unknown as { columnDefinitions: unknown; rows: unknown[] }
  assert.ok(first.columnDefinitions)
  await server.call('POST', maps, { metadata: { name: 'b' } })
  const second = (await watch.next()).object as unknown as { columnDefinitions: unknown; rows: unknown[] }
  assert.deepEqual([second.columnDefinitions, second.rows.length], [null, 1])
  const metadata = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
  const { object: list } = await server.call('GET', maps, undefined, { accept: metadata })
  assert.deepEqual(
    [list.kind, Object.keys(list.items[0])],
    ['PartialObjectMetadataList', ['kind', 'apiVersion', 'metadata']],
  )
})

test('an answer nobody can give is 406', async () => {
  await using server = await openTestServer()
  const { object } = await server.call('GET', '/api/v1/nodes', undefined, { accept: 'text/html' })
  assert.deepEqual([object.code, object.reason], [406, 'NotAcceptable'])
})

test('YAML answers', async () => {
  await using server = await openTestServer()
  const { text } = await server.call('GET', '/api/v1/nodes', undefined, { accept: 'application/yaml' })
  assert.match(text, /^kind: NodeList$/m)
})
