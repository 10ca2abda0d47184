import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from '#api/endpoint-slice.ts'
import { Node } from '#api/node.ts'
import { electTarget, selectTargets } from './plan-targets.ts'
import { sampleNode, sampleService, sampleSlice } from './sample-objects.ts'
import { isResponsible, viewNode } from './select-wishes.ts'

const ready = (nodeName: string): Partial<Endpoint> => ({ nodeName })
const unready = (nodeName: string): Partial<Endpoint> => ({ nodeName, conditions: { ready: false, serving: false } })
const draining = (nodeName: string): Partial<Endpoint> => ({
  nodeName,
  conditions: { ready: false, serving: true, terminating: true },
})
const three = [sampleNode(1), sampleNode(2), sampleNode(3)]
const secondExcluded = [sampleNode(1), sampleNode(2, false), sampleNode(3)]

const cases = [
  ['policy Cluster: every node', 'Cluster', three, [ready('node-2')], 'node-1 node-2 node-3'],
  ['policy Cluster: not the excluded', 'Cluster', secondExcluded, [ready('node-2')], 'node-1 node-3'],
  ['policy Local: only those with ready endpoints', 'Local', three, [ready('node-2'), unready('node-3')], 'node-2'],
  ['policy Local: ready ones before draining ones', 'Local', three, [draining('node-1'), ready('node-3')], 'node-3'],
  [
    'policy Local: draining ones when nobody is ready',
    'Local',
    three,
    [draining('node-1'), unready('node-2')],
    'node-1',
  ],
  ['policy Local: nothing there, any node refuses', 'Local', three, [unready('node-2')], 'node-1 node-2 node-3'],
  ['policy Local: ready only where no traffic may go', 'Local', secondExcluded, [ready('node-2')], ''],
  ['all excluded', 'Cluster', [sampleNode(1, false)], [], ''],
] as const

test('which nodes may take the traffic', () => {
  for (const [name, externalTrafficPolicy, nodes, endpoints, expected] of cases) {
    const service = sampleService('a', { spec: { externalTrafficPolicy } })
    const targets = selectTargets([{ service, slices: [sampleSlice(endpoints)] }], nodes)
    assert.equal(targets.map((target) => target.name).join(' '), expected, name)
  }
})

test('the present node stays while it may', () => {
  const ip = '10.0.0.1'
  for (const node of three) for (const via of node.internalIps) assert.equal(electTarget(ip, three, via), node)
  assert.notEqual(
    electTarget(
      ip,
      secondExcluded.filter((node) => node.takesTraffic),
      '172.30.0.12',
    )?.name,
    'node-2',
  )
  assert.equal(electTarget(ip, []), undefined)
})

test('addresses spread over nodes, and only those of a node that goes move', () => {
  const addresses = Array.from({ length: 300 }, (_, index) => `10.0.0.${index}`)
  const elected = addresses.map((ip) => electTarget(ip, three)!.name)
  for (const { name } of three) {
    const share = elected.filter((one) => one === name).length
    assert.ok(share > 60 && share < 140, `${name} has ${share} of 300`)
  }
  const without = addresses.map((ip) => electTarget(ip, three.slice(0, 2))!.name)
  assert.ok(elected.every((name, index) => name === 'node-3' || name === without[index]))
})

const node = (labels: Record<string, string>, more: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', labels },
  spec: {},
  status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
  ...more,
})
const label = 'node.kubernetes.io/exclude-from-external-load-balancers'

test('which nodes are excluded', () => {
  for (const [value, takesTraffic] of [
    ['', false],
    ['true', false],
    ['false', true],
    ['False', true],
    ['0', true],
    ['no', false],
  ] as const) {
    assert.equal(viewNode(node({ [label]: value }))?.takesTraffic, takesTraffic, value)
  }
  const taint = { key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' as const }
  assert.equal(viewNode(node({}))?.takesTraffic, true)
  assert.equal(viewNode(node({}, { spec: { taints: [taint] } }))?.takesTraffic, false)
  assert.equal(viewNode(node({}, { metadata: { name: 'n', deletionTimestamp: 'now' } }))?.takesTraffic, false)
  assert.equal(viewNode(node({}, { status: {} })), undefined)
})

test('whose Services are whose', () => {
  const ours = { className: 'frontdesk.dev/loadbalancer', isDefault: true }
  const other = { className: 'example.com/b', isDefault: false }
  for (const [spec, byOurs, byOther] of [
    [{}, true, false],
    [{ loadBalancerClass: 'frontdesk.dev/loadbalancer' }, true, false],
    [{ loadBalancerClass: 'example.com/b' }, false, true],
    [{ loadBalancerClass: 'example.com/c' }, false, false],
    [{ type: 'NodePort' }, false, false],
  ] as const) {
    const service = sampleService('a', { spec })
    assert.deepEqual([isResponsible(ours, service), isResponsible(other, service)], [byOurs, byOther])
  }
})
