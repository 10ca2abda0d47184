import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectionPath, objectPath, queryParameters } from './select-path.ts'

const pods = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true }
const nodes = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false }
const leases = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true }

const cases = [
  { name: 'all namespaces', path: collectionPath(pods, undefined), expected: '/api/v1/pods' },
  { name: 'one namespace', path: collectionPath(pods, 'web'), expected: '/api/v1/namespaces/web/pods' },
  { name: 'cluster scope ignores a namespace', path: collectionPath(nodes, 'web'), expected: '/api/v1/nodes' },
  {
    name: 'an object of a named group',
    path: objectPath(leases, { namespace: 'a', name: 'b' }),
    expected: '/apis/coordination.k8s.io/v1/namespaces/a/leases/b',
  },
  { name: 'a subresource', path: objectPath(nodes, { name: 'n1' }, 'status'), expected: '/api/v1/nodes/n1/status' },
  { name: 'odd characters', path: objectPath(nodes, { name: 'a/b:c' }), expected: '/api/v1/nodes/a%2Fb%3Ac' },
]
for (const { name, path, expected } of cases) test(`path of ${name}`, () => assert.equal(path, expected))

test('an object without a name or namespace cannot be addressed', () => {
  assert.throws(() => objectPath(pods, { namespace: 'a', name: '' }), /name is empty/)
  assert.throws(() => objectPath(pods, { name: 'a' }), /no namespace/)
})

test('query parameters leave out the namespace and what is absent', () => {
  const query = queryParameters({ namespace: 'a', labelSelector: 'x in (a,b)', limit: 5, fieldSelector: '' })
  assert.equal(query.toString(), 'labelSelector=x+in+%28a%2Cb%29&limit=5')
})
