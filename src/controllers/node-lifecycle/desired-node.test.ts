import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '#api/node.ts'
import { sampleNode, sampleNowMs, samplePod } from '../sample-objects.ts'
import { desiredConditions, desiredTaints } from './desired-node.ts'
import { evictionTimeMs } from './plan-eviction.ts'

const withReady = (status: 'True' | 'False' | 'Unknown', spec: Node['spec'] = {}): Node => ({
  ...sampleNode('a', spec),
  status: { conditions: [{ type: 'Ready', status }] },
})

describe('desiredTaints', () => {
  const cases: { name: string; node: Node; taints: string[] }[] = [
    { name: 'ready', node: withReady('True'), taints: [] },
    { name: 'not ready', node: withReady('False'), taints: ['not-ready:NoSchedule', 'not-ready:NoExecute'] },
    { name: 'lost', node: withReady('Unknown'), taints: ['unreachable:NoSchedule', 'unreachable:NoExecute'] },
    { name: 'never heard of', node: { ...sampleNode('a'), status: {} }, taints: ['not-ready:NoSchedule'] },
    { name: 'cordoned', node: withReady('True', { unschedulable: true }), taints: ['unschedulable:NoSchedule'] },
    {
      name: 'own taints go, others stay',
      node: withReady('True', {
        taints: [
          { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
          { key: 'gpu', effect: 'NoSchedule' },
        ],
      }),
      taints: ['gpu:NoSchedule'],
    },
  ]
  for (const { name, node, taints } of cases) {
    it(name, () => {
      const found = desiredTaints(node, sampleNowMs).map(
        ({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`,
      )
      assert.deepEqual(found, taints)
    })
  }
})

describe('desiredConditions', () => {
  it('leaves a node alone that was heard of', () => {
    const node = withReady('True')
    assert.equal(desiredConditions(node, 50_000, sampleNowMs), node.status?.conditions)
  })
  it('knows nothing of a silent node', () => {
    const ready = desiredConditions(withReady('True'), 50_001, sampleNowMs).find(({ type }) => type === 'Ready')
    assert.deepEqual([ready?.status, ready?.reason], ['Unknown', 'NodeStatusUnknown'])
  })
})

describe('evictionTimeMs', () => {
  const added = '2026-03-01T11:59:00Z'
  const taint = (key: string) => ({ key, effect: 'NoExecute' as const, timeAdded: added })
  const lost = taint('node.kubernetes.io/unreachable')
  const cases = [
    { name: 'no taint', taints: [], tolerations: [], afterSeconds: undefined },
    { name: 'untolerated', taints: [taint('drain')], tolerations: [], afterSeconds: 0 },
    { name: 'lost node, nothing said', taints: [lost], tolerations: [], afterSeconds: 300 },
    {
      name: 'own limit',
      taints: [lost],
      tolerations: [{ key: lost.key, operator: 'Exists' as const, tolerationSeconds: 10 }],
      afterSeconds: 10,
    },
    { name: 'for good', taints: [lost], tolerations: [{ operator: 'Exists' as const }], afterSeconds: undefined },
  ]
  for (const { name, taints, tolerations, afterSeconds } of cases) {
    it(name, () => {
      const time = evictionTimeMs(samplePod('p', { spec: { tolerations } }), sampleNode('a', { taints }), sampleNowMs)
      assert.equal(time, afterSeconds === undefined ? undefined : Date.parse(added) + afterSeconds * 1000)
    })
  }
})
