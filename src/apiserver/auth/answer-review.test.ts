import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { KubeObject } from '#api/meta.ts'
import { reviews } from './answer-review.ts'
import { createAuthorizer } from './authorize.ts'
import { standardPolicy } from './policy.ts'
import { createServiceAccountTokens } from './service-account-tokens.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const tokens = createServiceAccountTokens({
  key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  clock: { nowMs: () => 0 },
  uidOf: () => 'u1',
})
const deps = { authorize: createAuthorizer(standardPolicy), policy: standardPolicy, tokens }
const admin = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }
const pod = { name: 'system:serviceaccount:a:default', uid: 'u1', groups: ['system:authenticated'] }
const listPods = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'a' } }
const { token } = tokens.mint({ namespace: 'a', name: 'default', uid: 'u1' })

const cases = [
  { kind: 'SelfSubjectAccessReview', asker: admin, spec: listPods, status: { allowed: true } },
  { kind: 'SelfSubjectAccessReview', asker: pod, spec: listPods, status: { allowed: false } },
  {
    kind: 'SelfSubjectAccessReview',
    asker: pod,
    spec: { nonResourceAttributes: { path: '/version', verb: 'get' } },
    status: { allowed: true },
  },
  {
    kind: 'SubjectAccessReview',
    asker: pod,
    spec: { ...listPods, user: 'x', groups: ['system:masters'] },
    status: { allowed: true },
  },
  {
    kind: 'SelfSubjectReview',
    asker: pod,
    spec: undefined,
    status: { userInfo: { username: pod.name, uid: 'u1', groups: ['system:authenticated'] } },
  },
  { kind: 'TokenReview', asker: admin, spec: { token: 'x' }, status: { user: {}, error: 'the token is not valid' } },
  {
    kind: 'TokenReview',
    asker: admin,
    spec: { token },
    status: {
      authenticated: true,
      user: {
        username: pod.name,
        uid: 'u1',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
      },
      audiences: ['https://kubernetes.default.svc.cluster.local'],
    },
  },
]
for (const { kind, asker, spec, status } of cases) {
  test(`${kind} of ${asker.name}: ${JSON.stringify(spec)?.slice(0, 60)}`, async () => {
    const review = reviews.find((candidate) => candidate.kind === kind)!
    const body = { metadata: { name: '' }, ...(spec && { spec }) } as unknown as KubeObject
    const answer = (await review.answer(body, asker, deps)) as KubeObject & { status: object }
    assert.deepEqual(answer.status, status)
    assert.equal(answer.kind, kind)
  })
}

test('SelfSubjectRulesReview lists resource and path rules apart', async () => {
  const review = reviews.find((candidate) => candidate.plural === 'selfsubjectrulesreviews')!
  const body = { metadata: { name: '' }, spec: { namespace: 'a' } } as unknown as KubeObject
  const { status } = (await review.answer(body, admin, deps)) as unknown as {
    status: { resourceRules: object[]; nonResourceRules: object[]; incomplete: boolean }
  }
  assert.deepEqual(status.resourceRules[0], { verbs: ['*'], apiGroups: ['*'], resources: ['*'] })
  assert.deepEqual(status.nonResourceRules[0], { verbs: ['*'], nonResourceURLs: ['*'] })
  assert.equal(status.incomplete, false)
})
