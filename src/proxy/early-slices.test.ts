import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { EarlySlices } from './early-slices.ts'

const slice = (version: number, name = 'a'): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', resourceVersion: String(version) },
  addressType: 'IPv4',
  endpoints: [],
})

const given = slice(7)
const changes = [
  { name: 'what was given itself', before: slice(5), after: given, covered: true, left: false },
  { name: 'another copy of it', before: slice(5), after: slice(7), covered: false, left: false },
  { name: 'something older', before: slice(4), after: slice(5), covered: true, left: true },
  { name: 'that what was before is gone', before: slice(5), after: undefined, covered: true, left: true },
  { name: 'something newer', before: slice(5), after: slice(9), covered: false, left: false },
  { name: 'another slice', before: undefined, after: slice(3, 'b'), covered: false, left: true },
]

describe('after a slice was given early, hearing of', () => {
  for (const { name, before, after, covered, left } of changes) {
    it(`${name} is ${covered ? 'no news' : 'news'}`, () => {
      const early = new EarlySlices()
      early.give(given, 7)
      assert.equal(early.covers({ before, after }), covered)
      assert.equal(early.takeBack(given), left, 'whether it is still waited for')
    })
  }
})

it('the end of an earlier write leaves a later one alone', () => {
  const early = new EarlySlices()
  const later = slice(8)
  early.give(given, 7)
  early.give(later, 8)
  assert.equal(early.takeBack(given), false)
  assert.equal(early.covers({ before: slice(5), after: slice(7) }), true)
  assert.equal(early.takeBack(later), true)
})
