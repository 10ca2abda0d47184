import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import { isOffered } from './select-offering.ts'

const pod = (ready: 'True' | 'False') =>
  ({
    metadata: { name: 'a', labels: { app: 'a', tier: '1' } },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  }) as unknown as Pod
const service = (selector: Record<string, string> | undefined, type = 'ClusterIP') =>
  ({ metadata: { name: 'a' }, spec: { type, ...(selector && { selector }) } }) as unknown as Service

const cases: readonly (readonly [string, Pod, readonly Service[], boolean])[] = [
  ['ready and selected', pod('True'), [service({ app: 'b' }), service({ app: 'a' })], true],
  ['not ready', pod('False'), [service({ app: 'a' })], false],
  ['selected by one label of two', pod('True'), [service({ app: 'a', tier: '2' })], false],
  ['a Service without selector', pod('True'), [service(undefined), service({})], false],
  ['an ExternalName', pod('True'), [service({ app: 'a' }, 'ExternalName')], false],
]
for (const [name, one, services, expected] of cases) {
  test(`a pod is offered: ${name}: ${expected ? 'yes' : 'no'}`, () => assert.equal(isOffered(one, services), expected))
}
