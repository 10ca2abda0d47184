import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attributesOf } from '../authorize-request.ts'
import { parseRequestInfo } from '../request/parse-request-info.ts'
import { createAuthorizer } from './authorize.ts'
import { type Grant, standardPolicy } from './policy.ts'

const users = {
  admin: { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
  anonymous: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
  pod: { name: 'system:serviceaccount:a:default', groups: ['system:serviceaccounts', 'system:authenticated'] },
  node: { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] },
  edge: { name: 'system:frontdesk:edge', groups: ['system:frontdesk', 'system:authenticated'] },
  scheduler: { name: 'system:kube-scheduler', groups: ['system:authenticated'] },
}

const cases: [user: keyof typeof users, request: string, allowed: boolean][] = [
  ['admin', 'DELETE /api/v1/namespaces/a', true],
  ['admin', 'GET /metrics', true],
  ['anonymous', 'GET /livez', true],
  ['anonymous', 'GET /readyz/ping', true],
  ['anonymous', 'HEAD /healthz', true],
  ['anonymous', 'GET /version', true],
  ['anonymous', 'GET /version/', true],
  ['anonymous', 'POST /version', false],
  ['anonymous', 'GET /versions', false],
  ['anonymous', 'GET /api', false],
  ['anonymous', 'GET /api/v1/pods', false],
  ['anonymous', 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', false],
  ['pod', 'GET /api', true],
  ['pod', 'GET /apis/apps/v1', true],
  ['pod', 'GET /openapi/v3/api/v1', true],
  ['pod', 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', true],
  ['pod', 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews', true],
  ['pod', 'GET /api/v1/namespaces/a/secrets', false],
  ['pod', 'GET /metrics', false],
  ['node', 'PATCH /api/v1/nodes/n1/status', true],
  ['node', 'PATCH /api/v1/namespaces/a/pods/p/status', true],
  ['node', 'POST /api/v1/namespaces/a/serviceaccounts/default/token', true],
  ['node', 'POST /api/v1/namespaces/a/services', false],
  ['edge', 'GET /api/v1/services?watch=true', true],
  ['edge', 'GET /apis/discovery.k8s.io/v1/endpointslices', true],
  ['edge', 'GET /api/v1/secrets', false],
  ['edge', 'POST /api/v1/namespaces/a/pods/p/exec', false],
  ['scheduler', 'POST /api/v1/namespaces/a/pods/p/binding', true],
  ['scheduler', 'POST /api/v1/namespaces/a/pods', false],
]

for (const [user, request, allowed] of cases) {
  test(`access: ${user} ${allowed ? 'may' : 'may not'} ${request}`, async () => {
    const [method, target] = request.split(' ') as ['GET', string]
    const url = new URL(target, 'https://host')
    const info = parseRequestInfo({ method, path: url.pathname, query: url.searchParams })
    const decision = await createAuthorizer(standardPolicy)(attributesOf(users[user], info))
    assert.equal(decision.allowed, allowed)
  })
}

const local: Grant[] = [
  {
    users: ['bob'],
    namespace: 'a',
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods', '*/log'], resourceNames: ['p'] }],
  },
]
const localCases: [path: string, allowed: boolean][] = [
  ['/api/v1/namespaces/a/pods/p', true],
  ['/api/v1/namespaces/a/pods/p/log', true],
  ['/api/v1/namespaces/a/pods/p/status', false],
  ['/api/v1/namespaces/a/pods/q', false],
  ['/api/v1/namespaces/b/pods/p', false],
  ['/apis/apps/v1/namespaces/a/pods/p', false],
]
for (const [path, allowed] of localCases) {
  test(`access: a grant in one namespace for one name ${allowed ? 'covers' : 'does not cover'} ${path}`, async () => {
    const info = parseRequestInfo({ method: 'GET', path, query: new URLSearchParams() })
    const decision = await createAuthorizer(local)(attributesOf({ name: 'bob', groups: [] }, info))
    assert.equal(decision.allowed, allowed)
  })
}
