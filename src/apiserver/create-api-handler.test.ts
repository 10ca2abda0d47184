import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTestServer, type TestServer } from './open-test-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { name }, data })

function cases(title: string, table: Record<string, (server: TestServer) => Promise<void>>): void {
  describe(title, () => {
    for (const [name, body] of Object.entries(table)) {
      test(name, async () => {
        await using server = await openTestServer()
        await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
        await body(server)
      })
    }
  })
}

cases('creating and reading', {
  'a created object comes back with identity and can be read': async (server) => {
    const created = await server.call('POST', maps, configMap('a', { k: 'v' }))
    assert.equal(created.status, 201)
    assert.match(created.object.metadata.uid, /^[0-9a-f-]{36}$/)
    assert.equal(created.object.metadata.creationTimestamp, '2026-01-02T03:04:05Z')
    assert.match(created.object.metadata.resourceVersion, /^[1-9][0-9]*$/)
    const read = await server.call('GET', `${maps}/a`)
    assert.equal(read.status, 200)
    assert.deepEqual(read.object, created.object)
  },
  'a name can be taken once': async (server) => {
    await server.call('POST', maps, configMap('a'))
    const again = await server.call('POST', maps, configMap('a'))
    assert.deepEqual(again.object, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'configmaps "a" already exists',
      reason: 'AlreadyExists',
      details: { name: 'a', kind: 'configmaps' },
      code: 409,
    })
  },
  'a missing object is a NotFound Status': async (server) => {
    const { status, object } = await server.call('GET', '/apis/apps/v1/namespaces/default/deployments/web')
    assert.equal(status, 404)
    assert.equal(object.message, 'deployments.apps "web" not found')
    assert.deepEqual(object.details, { name: 'web', group: 'apps', kind: 'deployments' })
  },
  'an unknown resource is a plain 404': async (server) => {
    const { status, text } = await server.call('GET', '/api/v1/namespaces/default/nonsenses')
    assert.deepEqual([status, text], [404, '404 page not found\n'])
  },
  'generateName makes names': async (server) => {
    const { object } = await server.call('POST', maps, { metadata: { generateName: 'a-' } })
    assert.match(object.metadata.name, /^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  },
  'the namespace of body and path must agree': async (server) => {
    const body = { metadata: { name: 'a', namespace: 'other' } }
    assert.equal((await server.call('POST', maps, body)).status, 400)
  },
  'strict validation refuses unknown and duplicate fields and stores nothing': async (server) => {
    const text = '{"metadata":{"name":"a","name":"a"},"dada":{}}'
    const { object } = await server.call('POST', `${maps}?fieldValidation=Strict`, text)
    assert.equal(object.code, 400)
    assert.equal(
      object.message,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ' +
        'duplicate field "metadata.name", unknown field "dada"',
    )
    assert.equal((await server.call('GET', `${maps}/a`)).status, 404)
  },
  'by default unknown fields are dropped with a warning': async (server) => {
    const { status, warnings, object } = await server.call('POST', maps, { metadata: { name: 'a' }, dada: {} })
    assert.deepEqual([status, warnings, 'dada' in object], [201, ['unknown field "dada"'], false])
  },
  'a dry run shows the object and stores nothing': async (server) => {
    const { status, object } = await server.call('POST', `${maps}?dryRun=All`, configMap('a'))
    assert.equal(status, 201)
    assert.ok(object.metadata.uid)
    assert.equal((await server.call('GET', `${maps}/a`)).status, 404)
  },
  'YAML is as good as JSON': async (server) => {
    const body = 'metadata:\n  name: a\ndata:\n  k: "v"\n'
    const { object } = await server.call('POST', maps, body, { contentType: 'application/yaml' })
    assert.deepEqual(object.data, { k: 'v' })
  },
  'another content type is refused with what is accepted': async (server) => {
    const { object } = await server.call('POST', maps, '{}', { contentType: 'text/plain' })
    assert.deepEqual([object.code, object.reason], [415, 'UnsupportedMediaType'])
  },
  'a caller in the same process keeps its object unchanged': async (server) => {
    const body = Object.freeze({ metadata: Object.freeze({ name: 'a' }), data: Object.freeze({ k: 'v' }) })
    assert.equal((await server.call('POST', maps, body)).status, 201)
  },
})

cases('updating', {
  'a stale resourceVersion conflicts': async (server) => {
    const { object: first } = await server.call('POST', maps, configMap('a', { k: '1' }))
    await server.call('PUT', `${maps}/a`, { ...first, data: { k: '2' } })
    const { object } = await server.call('PUT', `${maps}/a`, { ...first, data: { k: '3' } })
    assert.equal(
      object.message,
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; ' +
        'please apply your changes to the latest version and try again',
    )
    assert.equal(object.code, 409)
  },
  'the same content writes nothing': async (server) => {
    const { object: first } = await server.call('POST', maps, configMap('a', { k: '1' }))
    const { object: second } = await server.call('PUT', `${maps}/a`, configMap('a', { k: '1' }))
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
  },
  'identity cannot be changed': async (server) => {
    const { object: first } = await server.call('POST', maps, configMap('a'))
    const metadata = { name: 'a', creationTimestamp: '2000-01-01T00:00:00Z', labels: { x: 'y' } }
    const { object } = await server.call('PUT', `${maps}/a`, { metadata })
    assert.equal(object.metadata.creationTimestamp, first.metadata.creationTimestamp)
    assert.equal(object.metadata.uid, first.metadata.uid)
    assert.deepEqual(object.metadata.labels, { x: 'y' })
  },
  'the name must be that of the path': async (server) => {
    await server.call('POST', maps, configMap('a'))
    const { object } = await server.call('PUT', `${maps}/a`, configMap('b'))
    assert.equal(object.message, 'the name of the object (b) does not match the name on the URL (a)')
  },
  'a missing object is not created unless the kind allows it': async (server) => {
    assert.equal((await server.call('PUT', `${maps}/a`, configMap('a'))).status, 404)
    const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases/a'
    assert.equal((await server.call('PUT', lease, { metadata: { name: 'a' }, spec: {} })).status, 201)
  },
})

cases('deleting', {
  'a deletion answers with a Status and the uid': async (server) => {
    const { object: created } = await server.call('POST', maps, configMap('a'))
    const { status, object } = await server.call('DELETE', `${maps}/a`)
    assert.equal(status, 200)
    assert.equal(object.status, 'Success')
    assert.deepEqual(object.details, { name: 'a', kind: 'configmaps', uid: created.metadata.uid })
    assert.equal((await server.call('GET', `${maps}/a`)).status, 404)
  },
  'finalizers keep the object, and the last one gone lets it go': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a', finalizers: ['example.com/x'] } })
    const { object: marked } = await server.call('DELETE', `${maps}/a`)
    assert.equal(marked.metadata.deletionTimestamp, '2026-01-02T03:04:05Z')
    const more = { ...marked, metadata: { ...marked.metadata, finalizers: ['example.com/x', 'example.com/y'] } }
    assert.equal((await server.call('PUT', `${maps}/a`, more)).status, 422)
    const bare = { ...marked, metadata: { ...marked.metadata, finalizers: [] } }
    assert.equal((await server.call('PUT', `${maps}/a`, bare)).status, 200)
    assert.equal((await server.call('GET', `${maps}/a`)).status, 404)
  },
  'a wrong uid precondition conflicts': async (server) => {
    await server.call('POST', maps, configMap('a'))
    const { object } = await server.call('DELETE', `${maps}/a`, { preconditions: { uid: 'no' } })
    assert.equal(object.code, 409)
    assert.match(object.message, /on ConfigMap "a": the UID in the precondition \(no\) does not match/)
  },
  'foreground deletion adds its finalizer': async (server) => {
    await server.call('POST', maps, configMap('a'))
    const { object } = await server.call('DELETE', `${maps}/a`, { propagationPolicy: 'Foreground' })
    assert.deepEqual(object.metadata.finalizers, ['foregroundDeletion'])
  },
  'a collection is deleted by selector': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a', labels: { x: '1' } } })
    await server.call('POST', maps, { metadata: { name: 'b', labels: { x: '2' } } })
    const { object } = await server.call('DELETE', `${maps}?labelSelector=x%3D1`)
    assert.deepEqual(namesOf(object), ['a'])
    assert.deepEqual(namesOf((await server.call('GET', maps)).object), ['b'])
  },
})

cases('listing', {
  'an empty list has items': async (server) => {
    const { object } = await server.call('GET', maps)
    assert.equal(object.kind, 'ConfigMapList')
    assert.deepEqual(object.items, [])
  },
  'pages are those of the first page, whatever happens meanwhile': async (server) => {
    for (const name of ['a', 'b', 'c', 'd']) await server.call('POST', maps, configMap(name))
    const { object: first } = await server.call('GET', `${maps}?limit=2`)
    assert.deepEqual([namesOf(first), first.metadata.remainingItemCount], [['a', 'b'], 2])
    await server.call('DELETE', `${maps}/c`)
    await server.call('POST', maps, configMap('b2'))
    const { object: second } = await server.call('GET', `${maps}?limit=2&continue=${first.metadata.continue}`)
    assert.deepEqual(namesOf(second), ['c', 'd'])
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
    assert.equal(second.metadata.continue, undefined)
  },
  'selectors by label and field': async (server) => {
    await server.call('POST', maps, { metadata: { name: 'a', labels: { x: '1' } } })
    await server.call('POST', maps, { metadata: { name: 'b' } })
    assert.deepEqual(namesOf((await server.call('GET', `${maps}?labelSelector=!x`)).object), ['b'])
    assert.deepEqual(namesOf((await server.call('GET', `${maps}?fieldSelector=metadata.name%3Da`)).object), ['a'])
    const { object } = await server.call('GET', '/api/v1/pods?fieldSelector=spec.foo%3Da')
    assert.equal(object.message, 'field label not supported: spec.foo')
  },
  'an exact list at an older version shows what was there': async (server) => {
    const { object: a } = await server.call('POST', maps, configMap('a'))
    await server.call('POST', maps, configMap('b'))
    const query = `resourceVersion=${a.metadata.resourceVersion}&resourceVersionMatch=Exact`
    assert.deepEqual(namesOf((await server.call('GET', `${maps}?${query}`)).object), ['a'])
  },
  'a version match needs a version': async (server) => {
    const { object } = await server.call('GET', `${maps}?resourceVersionMatch=Exact`)
    assert.equal(
      object.message,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ' +
        'resourceVersionMatch is forbidden unless resourceVersion is provided',
    )
  },
})

cases('watching', {
  'without a version: what is there, then what happens': async (server) => {
    await server.call('POST', maps, configMap('a'))
    await using watch = server.watch(`${maps}?watch=true`)
    assert.deepEqual(short(await watch.next()), 'ADDED a')
    await server.call('POST', maps, configMap('b'))
    assert.deepEqual(short(await watch.next()), 'ADDED b')
    await server.call('PUT', `${maps}/b`, configMap('b', { k: 'v' }))
    assert.deepEqual(short(await watch.next()), 'MODIFIED b')
    const { object: before } = await server.call('GET', `${maps}/b`)
    await server.call('DELETE', `${maps}/b`)
    const gone = await watch.next()
    assert.deepEqual(short(gone), 'DELETED b')
    assert.ok(Number(gone.object.metadata.resourceVersion) > Number(before.metadata.resourceVersion))
  },
  'from a version: only what is newer': async (server) => {
    await server.call('POST', maps, configMap('a'))
    const { object: list } = await server.call('GET', maps)
    await server.call('POST', maps, configMap('b'))
    await using watch = server.watch(`${maps}?watch=1&resourceVersion=${list.metadata.resourceVersion}`)
    assert.deepEqual(short(await watch.next()), 'ADDED b')
  },
  'objects appear and vanish as they begin and cease to match': async (server) => {
    await using watch = server.watch(`${maps}?watch=true&labelSelector=on`)
    await server.call('POST', maps, { metadata: { name: 'a', labels: { on: '' } } })
    assert.deepEqual(short(await watch.next()), 'ADDED a')
    await server.call('PUT', `${maps}/a`, { metadata: { name: 'a' }, data: { k: 'v' } })
    assert.deepEqual(short(await watch.next()), 'DELETED a')
    await server.call('PUT', `${maps}/a`, { metadata: { name: 'a', labels: { on: '' } } })
    assert.deepEqual(short(await watch.next()), 'ADDED a')
  },
  'initial events end with a bookmark that says so': async (server) => {
    await server.call('POST', maps, configMap('a'))
    const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    await using watch = server.watch(`${maps}?${query}`)
    assert.deepEqual(short(await watch.next()), 'ADDED a')
    const { type, object } = await watch.next()
    assert.equal(type, 'BOOKMARK')
    assert.deepEqual(object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' })
  },
  'other namespaces are not seen': async (server) => {
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'other' } })
    await using watch = server.watch(`${maps}?watch=true`)
    await server.call('POST', '/api/v1/namespaces/other/configmaps', configMap('x'))
    await server.call('POST', maps, configMap('a'))
    assert.deepEqual(short(await watch.next()), 'ADDED a')
  },
  'a version before the history is one ERROR event, then the end': async (server) => {
    const { object: first } = await server.call('POST', maps, configMap('a'))
    for (let n = 0; n < 5200; n++) await server.call('PUT', `${maps}/a`, configMap('a', { n: String(n) }))
    await using watch = server.watch(`${maps}?watch=true&resourceVersion=${first.metadata.resourceVersion}`)
    const { type, object } = await watch.next()
    assert.equal(type, 'ERROR')
    assert.equal((object as unknown as { code: number }).code, 410)
    await watch.ended()
  },
})

const namesOf = (list: { items: { metadata: { name: string } }[] }) => list.items.map((item) => item.metadata.name)
const short = (event: { type: string; object: { metadata: { name: string } } }) =>
  `${event.type} ${event.object.metadata.name}`
