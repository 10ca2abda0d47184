import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '#api/node.ts'
import type { Pod } from '#api/pod.ts'
import { sampleNode, samplePod } from '../sample-objects.ts'
import { chooseNode } from './choose-node.ts'
import { ClusterUsage } from './node-usage.ts'

const waiting = (spec: Partial<Pod['spec']> = {}, labels = { app: 'web' }) =>
  samplePod('waiting', { phase: 'Pending', labels, spec })
const containers = (requests: Record<string, string>) => [{ name: 'main', resources: { requests } }]
const antiAffinity = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
    ],
  },
}

function choose(pod: Pod, nodes: Node[], placed: Pod[] = []) {
  const usage = new ClusterUsage()
  for (const other of placed) usage.put(other, other.spec.nodeName!)
  const choice = chooseNode({ pod, nodes, usage, namespaceLabels: () => ({}) })
  return 'node' in choice ? choice.node : choice.refusal
}

describe('chooseNode', () => {
  const three = ['a', 'b', 'c'].map((name) => sampleNode(name))
  const cordoned = sampleNode('a', { unschedulable: true })
  const tainted = sampleNode('b', { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] })
  const cases: { name: string; pod: Pod; nodes: Node[]; placed?: Pod[]; outcome: string }[] = [
    { name: 'no nodes', pod: waiting(), nodes: [], outcome: 'no nodes available to schedule pods' },
    {
      name: 'the node with the fewest pods of the same labels',
      pod: waiting(),
      nodes: three,
      placed: [
        samplePod('1', { node: 'a' }),
        samplePod('2', { node: 'b', labels: { app: 'x' } }),
        samplePod('3', { node: 'c' }),
      ],
      outcome: 'b',
    },
    {
      name: 'reasons are counted',
      pod: waiting({ containers: containers({ cpu: '8' }) }),
      nodes: [cordoned, tainted, sampleNode('c')],
      outcome:
        '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {gpu: yes}, 1 node(s) were unschedulable.',
    },
    {
      name: 'tolerated taint',
      pod: waiting({ tolerations: [{ operator: 'Exists' }] }),
      nodes: [tainted],
      outcome: 'b',
    },
    {
      name: 'nodeSelector',
      pod: waiting({ nodeSelector: { disk: 'ssd' } }),
      nodes: [sampleNode('a'), sampleNode('b', {}, { disk: 'ssd' })],
      outcome: 'b',
    },
    {
      name: 'nobody matches the selector',
      pod: waiting({ nodeSelector: { disk: 'ssd' } }),
      nodes: three,
      outcome: "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
    },
    {
      name: 'requests of placed pods count',
      pod: waiting({ containers: containers({ memory: '5Gi' }) }),
      nodes: [sampleNode('a')],
      placed: [samplePod('1', { node: 'a', spec: { containers: containers({ memory: '4Gi' }) } })],
      outcome: '0/1 nodes are available: 1 Insufficient memory.',
    },
    {
      name: 'host ports',
      pod: waiting({ containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 80 }] }] }),
      nodes: three.slice(0, 2),
      placed: [
        samplePod('1', {
          node: 'a',
          spec: { containers: [{ name: 'm', ports: [{ containerPort: 1, hostPort: 80, hostIP: '1.2.3.4' }] }] },
        }),
      ],
      outcome: 'b',
    },
    {
      name: 'own anti-affinity',
      pod: waiting({ affinity: antiAffinity }),
      nodes: three.slice(0, 1),
      placed: [samplePod('1', { node: 'a' })],
      outcome: "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
    },
    {
      name: "somebody else's anti-affinity",
      pod: waiting(),
      nodes: three.slice(0, 1),
      placed: [samplePod('1', { node: 'a', labels: { app: 'x' }, spec: { affinity: antiAffinity } })],
      outcome: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    },
    {
      name: 'topology spread',
      pod: waiting({
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: 'web' } },
          },
        ],
        nodeSelector: { spare: 'no' },
      }),
      nodes: [sampleNode('a', {}, { spare: 'no' }), sampleNode('b', {}, { spare: 'no' })],
      placed: [samplePod('1', { node: 'a' })],
      outcome: 'b',
    },
    {
      name: 'preferred affinity beats spreading',
      pod: waiting({
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } },
            ],
          },
        },
      }),
      nodes: [sampleNode('a', {}, { disk: 'ssd' }), sampleNode('b')],
      placed: [samplePod('1', { node: 'a' })],
      outcome: 'a',
    },
  ]
  for (const { name, pod, nodes, placed, outcome } of cases) {
    it(name, () => assert.equal(choose(pod, nodes, placed), outcome))
  }

  it('forgets pods that have left', () => {
    const usage = new ClusterUsage()
    usage.put(samplePod('1', { spec: { containers: containers({ cpu: '1' }) } }), 'a')
    usage.remove('uid-1')
    assert.equal(usage.of('a').pods.size, 0)
    assert.equal(usage.of('a').requested.get('cpu') ?? 0, 0)
  })
})
