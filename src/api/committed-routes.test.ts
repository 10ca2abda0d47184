import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withdrawsPods } from './committed-routes.ts'
import type { EndpointSlice } from './endpoint-slice.ts'

/** Pods by name: whether they terminate. */
type Pods = Readonly<Record<string, boolean>> | undefined

function slice(pods: Pods): EndpointSlice | undefined {
  if (!pods) return undefined
  const endpoints = Object.entries(pods).map(([uid, terminating]) => ({
    addresses: ['10.0.0.1'],
    conditions: { terminating },
    targetRef: { uid },
  }))
  return { metadata: { name: 'web' }, addressType: 'IPv4', endpoints } as unknown as EndpointSlice
}

const cases: readonly (readonly [string, Pods, Pods, boolean])[] = [
  ['the first pods', undefined, { a: false }, false],
  ['a pod more', { a: false }, { a: false, b: false }, false],
  ['a pod begins to terminate', { a: false, b: false }, { a: false, b: true }, true],
  ['first seen with a pod that terminates', undefined, { a: true }, true],
  ['a pod more while another terminates: its end may have been missed', { a: true }, { a: true, b: false }, true],
  ['a pod that terminated is gone', { a: true, b: false }, { b: false }, false],
  ['a pod is gone at once', { a: false, b: false }, { b: false }, true],
  ['the slice is gone with its pods', { a: false }, undefined, true],
  ['the slice is gone after its pods', { a: true }, undefined, false],
]
for (const [name, before, after, expected] of cases) {
  test(`somebody may wait for routes: ${name}: ${expected ? 'yes' : 'no'}`, () => {
    assert.equal(withdrawsPods(slice(before), slice(after)), expected)
  })
}
