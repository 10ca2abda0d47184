import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planCollection } from './plan-collection.ts'
import type { OwnerState } from './plan-collection.ts'

const owner = (uid: string, blockOwnerDeletion = true) => ({
  apiVersion: 'v1',
  kind: 'X',
  name: uid,
  uid,
  blockOwnerDeletion,
})

describe('planCollection', () => {
  const cases: {
    name: string
    owners: ReturnType<typeof owner>[]
    states: Record<string, OwnerState>
    blocking?: boolean
    finalizers?: string[]
    plan: object
  }[] = [
    { name: 'no owners', owners: [], states: {}, plan: { action: 'none' } },
    { name: 'owner lives', owners: [owner('a')], states: { a: 'alive' }, plan: { action: 'none' } },
    {
      name: 'owner gone',
      owners: [owner('a')],
      states: { a: 'absent' },
      plan: { action: 'delete', propagationPolicy: 'Background' },
    },
    {
      name: 'one of two gone',
      owners: [owner('a'), owner('b')],
      states: { a: 'absent', b: 'alive' },
      plan: { action: 'dropOwners', uids: ['a'] },
    },
    {
      name: 'owner waits for dependents',
      owners: [owner('a')],
      states: { a: 'deletingDependents' },
      plan: { action: 'delete', propagationPolicy: 'Background' },
    },
    {
      name: 'owner waits, and so must we',
      owners: [owner('a')],
      states: { a: 'deletingDependents' },
      blocking: true,
      plan: { action: 'delete', propagationPolicy: 'Foreground' },
    },
    {
      name: 'not blocking a waiting owner',
      owners: [owner('a', false)],
      states: { a: 'deletingDependents' },
      plan: { action: 'none' },
    },
    {
      name: 'own dependents are to be orphaned',
      owners: [owner('a')],
      states: { a: 'absent' },
      finalizers: ['orphan'],
      plan: { action: 'delete', propagationPolicy: 'Orphan' },
    },
  ]
  for (const { name, owners, states, blocking = false, finalizers = [], plan } of cases) {
    it(name, () => {
      const metadata = { name: 'x', uid: 'x', ownerReferences: owners, finalizers }
      const object = { apiVersion: 'v1', kind: 'X', metadata }
      const stateOf = ({ uid }: { uid: string }) => states[uid] ?? 'alive'
      assert.deepEqual(planCollection({ object, stateOf, hasBlockingDependents: blocking }), plan)
    })
  }
})
