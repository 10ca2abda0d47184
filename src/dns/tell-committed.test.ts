import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Endpoint, type EndpointSlice, headlessLabel } from '#api/endpoint-slice.ts'
import type { ChangeHandler } from '#client/contract.ts'
import { tellCommitted } from './tell-committed.ts'

const slice = (version: number, ...endpoints: Endpoint[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'a', namespace: 'default', labels: { [headlessLabel]: '' }, resourceVersion: String(version) },
  addressType: 'IPv4',
  endpoints,
})
const pod = (uid: string, terminating = false): Endpoint => ({
  addresses: ['10.244.1.2'],
  conditions: { ready: !terminating, serving: true, terminating },
  targetRef: { kind: 'Pod', name: uid, uid },
})

test('versions are told when all is there, and whenever pods leave', async () => {
  const synced = Promise.withResolvers<void>()
  let handler: ChangeHandler<EndpointSlice> = () => {}
  const told: number[] = []
  tellCommitted({ synced: synced.promise, onChange: (given) => (handler = given) }, (version) => told.push(version))
  const first = slice(5, pod('a'))
  handler({ before: undefined, after: first })
  assert.deepEqual(told, [])
  synced.resolve()
  await synced.promise
  assert.deepEqual(told, [5])
  const grown = slice(6, pod('a'), pod('b'))
  handler({ before: first, after: grown })
  assert.deepEqual(told, [5])
  const leaving = slice(8, pod('a', true), pod('b'))
  handler({ before: grown, after: leaving })
  assert.deepEqual(told, [5, 8])
  handler({ before: leaving, after: slice(9, pod('b')) })
  assert.deepEqual(told, [5, 8])
})

test('Services whose names lead to no pod are not told of', async () => {
  let handler: ChangeHandler<EndpointSlice> = () => {}
  const told: number[] = []
  const synced = Promise.resolve()
  tellCommitted({ synced, onChange: (given) => (handler = given) }, (version) => told.push(version))
  await synced
  const { labels: _labels, ...metadata } = slice(0).metadata
  const routed = { ...slice(0, pod('a', true)), metadata: { ...metadata, resourceVersion: '7' } }
  handler({ before: undefined, after: routed })
  assert.deepEqual(told, [0])
  handler({ before: undefined, after: slice(8, pod('a', true)) })
  assert.deepEqual(told, [0, 8])
})

test('who is stopped before all is there tells nothing', async () => {
  const told: number[] = []
  const synced = Promise.reject(new Error('stopped'))
  tellCommitted({ synced, onChange: () => {} }, (version) => told.push(version))
  await synced.catch(() => {})
  assert.deepEqual(told, [])
})
