import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseRequestInfo } from './parse-request-info.ts'

const cases: Record<string, [request: string, expected: object]> = {
  'a list in a namespace': [
    'GET /api/v1/namespaces/default/pods',
    { verb: 'list', group: '', version: 'v1', namespace: 'default', resource: 'pods' },
  ],
  'a list over all namespaces': [
    'GET /apis/apps/v1/deployments',
    { verb: 'list', group: 'apps', resource: 'deployments' },
  ],
  'a trailing slash': ['GET /api/v1/pods/', { verb: 'list', resource: 'pods' }],
  'a watch': ['GET /api/v1/pods?watch=1', { verb: 'watch' }],
  'watch=false is a list': ['GET /api/v1/pods?watch=False', { verb: 'list' }],
  'an empty watch parameter is a watch': ['GET /api/v1/pods?watch=', { verb: 'watch' }],
  'an object': ['GET /api/v1/namespaces/ns/pods/p', { verb: 'get', name: 'p', resource: 'pods' }],
  'an encoded name': ['GET /api/v1/namespaces/ns/configmaps/a%2Fb', { name: 'a/b' }],
  'a subresource with a rest': [
    'GET /api/v1/namespaces/ns/services/web/proxy/a/b',
    { name: 'web', subresource: 'proxy', rest: ['a', 'b'] },
  ],
  'a namespace': ['GET /api/v1/namespaces/ns', { verb: 'get', resource: 'namespaces', name: 'ns', namespace: 'ns' }],
  'a namespace to finalize': [
    'PUT /api/v1/namespaces/ns/finalize',
    { verb: 'update', resource: 'namespaces', name: 'ns', subresource: 'finalize' },
  ],
  'a creation': ['POST /api/v1/namespaces', { verb: 'create', resource: 'namespaces' }],
  'a collection to delete': ['DELETE /api/v1/namespaces/ns/pods', { verb: 'deletecollection', resource: 'pods' }],
  'a deletion': ['DELETE /api/v1/nodes/n', { verb: 'delete', name: 'n' }],
  'a name by field selector': ['GET /api/v1/pods?fieldSelector=metadata.name%3Dp', { verb: 'list', name: 'p' }],
  'the old watch path': ['GET /api/v1/watch/namespaces/ns/pods', { verb: 'watch', resource: 'pods', namespace: 'ns' }],
  'discovery of a group version': ['GET /apis/apps/v1', { type: 'path', verb: 'get', path: '/apis/apps/v1' }],
  health: ['GET /livez', { type: 'path' }],
}

describe('what a request is about', () => {
  for (const [name, [text, expected]] of Object.entries(cases)) {
    test(name, () => {
      const [method = '', url = ''] = text.split(' ')
      const [path = '', query = ''] = url.split('?')
      const info = parseRequestInfo({ method: method as 'GET', path, query: new URLSearchParams(query) })
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(info[key as keyof typeof info], value, key)
    })
  }
  test('a path that is not correctly encoded is a bad request', () => {
    const request = { method: 'GET', path: '/api/v1/pods/%zz', query: new URLSearchParams() } as const
    assert.throws(() => parseRequestInfo(request), /not correctly percent-encoded/)
  })
})
