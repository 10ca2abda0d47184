import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextLeaseSpec, planLease } from './plan-lease.ts'

const lease = (resourceVersion: string, holderIdentity: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { namespace: 'a', name: 'l', resourceVersion },
  spec: { ...(holderIdentity && { holderIdentity }), leaseDurationSeconds: 15 },
})

const cases = [
  { name: 'a missing lease', seen: [undefined], atMs: 0, free: true },
  { name: 'a lease given back', seen: [lease('1', '')], atMs: 0, free: true },
  { name: 'our own lease', seen: [lease('1', 'me')], atMs: 0, free: true },
  { name: "another's lease, just seen", seen: [lease('1', 'you')], atMs: 15_000, free: false },
  {
    name: "another's lease, silent for too long",
    seen: [lease('1', 'you'), lease('1', 'you')],
    atMs: 15_001,
    free: true,
  },
  {
    name: "another's lease, renewed meanwhile",
    seen: [lease('1', 'you'), lease('2', 'you')],
    atMs: 15_001,
    free: false,
  },
]
for (const { name, seen, atMs, free } of cases) {
  test(`lease: ${name} is ${free ? 'free' : 'taken'}`, () => {
    let observation: ReturnType<typeof planLease> | undefined
    for (const [index, at] of seen.entries()) observation = planLease(at, observation, index * 10_000)
    assert.equal(observation!.free('me', atMs), free)
  })
}

test('lease: taking over counts a transition, renewing keeps the time of acquisition', () => {
  const next = { identity: 'me', durationMs: 15_000, nowMs: Date.UTC(2026, 0, 1) }
  const taken = nextLeaseSpec({ holderIdentity: 'you', leaseTransitions: 2, acquireTime: 'x' }, next)
  assert.equal(taken.leaseTransitions, 3)
  assert.equal(taken.acquireTime, '2026-01-01T00:00:00.000000Z')
  const renewed = nextLeaseSpec(taken, { ...next, nowMs: next.nowMs + 2_000 })
  assert.equal(renewed.leaseTransitions, 3)
  assert.equal(renewed.acquireTime, '2026-01-01T00:00:00.000000Z')
  assert.equal(renewed.renewTime, '2026-01-01T00:00:02.000000Z')
})
