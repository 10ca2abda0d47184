import assert from 'node:assert/strict'
import { test } from 'node:test'
import { committedAnnotation, namesAnnotation } from '#api/committed-routes.ts'
import { EndpointSlice, headlessLabel } from '#api/endpoint-slice.ts'
import { Lease } from '#api/lease.ts'
import { HeldInformers } from '../../../test/fixtures/held-informers.ts'
import { RouteWithdrawals, type Holder, type Patience } from './route-withdrawals.ts'

const now = Date.parse('2026-01-02T03:04:05Z')
const never = new AbortController().signal
const slices: Holder = { type: 'slices' }
const brief: Patience = { totalMs: 0, confirmationMs: 0 }
const long: Patience = { totalMs: 60_000, confirmationMs: 60_000 }
const pod = (uid: string, isOffered = false) => ({ uid, isOffered })
const node = (name: string): Holder => ({ type: 'node', name })

interface SliceOptions {
  readonly name?: string
  readonly nodeName?: string
  readonly managedBy?: string
  readonly isHeadless?: boolean
}

function slice(version: number, pods: Readonly<Record<string, boolean>>, options: SliceOptions = {}): EndpointSlice {
  const {
    name = 'web-1',
    nodeName = 'node-1',
    managedBy = 'endpointslice-controller.k8s.io',
    isHeadless = false,
  } = options
  const labels = { 'endpointslice.kubernetes.io/managed-by': managedBy, ...(isHeadless && { [headlessLabel]: '' }) }
  const endpoints = Object.entries(pods).map(([uid, terminating]) => ({
    addresses: ['10.0.0.1'],
    conditions: { ready: !terminating, serving: true, terminating },
    targetRef: { kind: 'Pod', uid },
    nodeName,
  }))
  const metadata = { name, namespace: 'default', labels, resourceVersion: String(version) }
  return { metadata, addressType: 'IPv4', endpoints, ports: [] } as unknown as EndpointSlice
}

function lease(name: string, committed?: number, ageMs = 0): Lease {
  const annotations = committed === undefined ? {} : { [committedAnnotation]: String(committed) }
  const spec = { renewTime: new Date(now - ageMs).toISOString(), leaseDurationSeconds: 40 }
  return { metadata: { name, namespace: 'kube-node-lease', annotations }, spec } as unknown as Lease
}

function names(committed: number): Lease {
  const { metadata, ...rest } = lease('dns')
  return { ...rest, metadata: { ...metadata, annotations: { [namesAnnotation]: String(committed) } } }
}

function open() {
  const informers = new HeldInformers()
  const withdrawals = new RouteWithdrawals({ informers, nodeName: 'node-1', nowMs: () => now })
  withdrawals.track('a')
  return { withdrawals, slices: informers.of(EndpointSlice), leases: informers.of(Lease) }
}

interface Case {
  readonly name: string
  readonly slices: readonly EndpointSlice[]
  readonly leases: readonly Lease[]
  readonly holders: readonly Holder[]
}

const everywhere = [lease('node-1', 9), lease('node-2', 9)]
const cases: readonly Case[] = [
  { name: 'a pod of no Service', slices: [], leases: everywhere, holders: [] },
  { name: 'slices still offer it', slices: [slice(5, { a: false })], leases: everywhere, holders: [slices] },
  {
    name: 'it terminates, and every node knows',
    slices: [slice(5, { a: false }), slice(9, { a: true })],
    leases: everywhere,
    holders: [],
  },
  {
    name: 'one node is behind',
    slices: [slice(5, { a: false }), slice(9, { a: true })],
    leases: [lease('node-1', 9), lease('node-2', 8)],
    holders: [node('node-2')],
  },
  {
    name: 'later versions of the slice do not matter',
    slices: [slice(5, { a: false }), slice(9, { a: true }), slice(12, { a: true, b: false })],
    leases: everywhere,
    holders: [],
  },
  {
    name: 'deleted at once: it leaves the slice without terminating in it',
    slices: [slice(5, { a: false }), slice(10, {})],
    leases: [lease('node-1', 10), lease('node-2', 9)],
    holders: [node('node-2')],
  },
  {
    name: 'every Service must have let go',
    slices: [slice(9, { a: true }), slice(4, { a: false }, { name: 'other' })],
    leases: everywhere,
    holders: [slices],
  },
  {
    name: 'names may still lead to a pod of a headless Service',
    slices: [slice(9, { a: true }, { isHeadless: true })],
    leases: [...everywhere, names(8)],
    holders: [node('dns')],
  },
  {
    name: 'names follow the slices of headless Services, whatever others say',
    slices: [slice(9, { a: true }), slice(7, { a: true }, { name: 'other', isHeadless: true })],
    leases: [...everywhere, names(7)],
    holders: [],
  },
  {
    name: 'names lead to no pod without a headless Service',
    slices: [slice(9, { a: true })],
    leases: [...everywhere, names(3)],
    holders: [],
  },
  {
    name: 'a node that is gone does not count',
    slices: [slice(9, { a: true })],
    leases: [lease('node-1', 9), lease('node-2', 3, 41_000)],
    holders: [],
  },
  {
    name: 'a node whose proxy does not speak does not count',
    slices: [slice(9, { a: true })],
    leases: [lease('node-1', 9), lease('node-2')],
    holders: [],
  },
  {
    name: 'slices of the user and of another node are not waited for',
    slices: [slice(5, { a: false }, { managedBy: 'me' }), slice(6, { a: false }, { name: 'o', nodeName: 'node-2' })],
    leases: everywhere,
    holders: [],
  },
]

for (const { name, slices: versions, leases: held, holders } of cases) {
  test(`routes: ${name}`, async () => {
    const { withdrawals, slices: informer, leases } = open()
    leases.put(...held)
    informer.put(...versions)
    assert.deepEqual(await withdrawals.untilWithdrawn(pod('a'), brief, never), holders)
  })
}

test('the wait ends with the last confirmation, not before', async () => {
  const { withdrawals, slices: informer, leases } = open()
  leases.put(lease('node-1', 5), lease('node-2', 5))
  informer.put(slice(5, { a: false }))
  let isOver = false
  const waiting = withdrawals.untilWithdrawn(pod('a'), long, never).then((holders) => ((isOver = true), holders))
  for (const change of [
    () => informer.put(slice(9, { a: true })),
    () => leases.put(lease('node-2', 9)),
    () => leases.put(lease('node-1', 8)),
  ]) {
    change()
    await Promise.resolve()
    await Promise.resolve()
    assert.equal(isOver, false)
  }
  leases.put(lease('node-1', 11))
  assert.deepEqual(await waiting, [])
})

test('a node that let somebody wait in vain is not waited for again until it speaks', async () => {
  const { withdrawals, slices: informer, leases } = open()
  leases.put(lease('node-1', 3))
  informer.put(slice(9, { a: true, b: true }))
  assert.deepEqual(await withdrawals.untilWithdrawn(pod('a'), brief, never), [node('node-1')])
  assert.deepEqual(await withdrawals.untilWithdrawn(pod('b'), brief, never), [])
  leases.put(lease('node-1', 4))
  assert.deepEqual(await withdrawals.untilWithdrawn(pod('b'), brief, never), [node('node-1')])
})

test('an agent that stops does not wait', async () => {
  const { withdrawals, slices: informer } = open()
  informer.put(slice(9, { a: false }))
  const stop = new AbortController()
  const waiting = withdrawals.untilWithdrawn(pod('a'), long, stop.signal)
  stop.abort()
  assert.deepEqual(await waiting, [])
})

test('a ready pod of a Service waits for its first slice', async () => {
  const { withdrawals, slices: informer, leases } = open()
  leases.put(...everywhere)
  assert.deepEqual(await withdrawals.untilWithdrawn(pod('a', true), brief, never), [slices])
  const waiting = withdrawals.untilWithdrawn(pod('a', true), long, never)
  informer.put(slice(8, { a: false }))
  informer.put(slice(9, { a: true }))
  assert.deepEqual(await waiting, [])
})

test('a ready pod whose slices have gone does not wait for them', async () => {
  const { withdrawals, slices: informer } = open()
  informer.put(slice(8, { a: false }))
  informer.remove({ namespace: 'default', name: 'web-1' })
  assert.deepEqual(await withdrawals.untilWithdrawn(pod('a', true), brief, never), [])
})

test('slices that are late are waited for longer than nodes that are silent', async () => {
  const { withdrawals, slices: informer, leases } = open()
  leases.put(lease('node-1', 5))
  informer.put(slice(5, { a: false }))
  let isOver = false
  const patience = { totalMs: 60_000, confirmationMs: 0 }
  const waiting = withdrawals.untilWithdrawn(pod('a'), patience, never).then((holders) => ((isOver = true), holders))
  await new Promise((resolve) => setTimeout(resolve))
  assert.equal(isOver, false)
  informer.put(slice(9, { a: true }))
  assert.deepEqual(await waiting, [node('node-1')])
})
