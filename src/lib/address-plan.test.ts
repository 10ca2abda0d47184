import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  internalIps,
  loadBalancerCidrs,
  maxClusters,
  maxNodes,
  planAddresses,
  planNode,
  podCidrs,
  podIpv6,
  serviceCidrs,
} from './address-plan.ts'
import { cidrContains, formatCidr, parseCidr, parseIp } from './ip.ts'

test('ranges of two clusters never meet', () => {
  const plans = Array.from({ length: maxClusters }, (_, index) => planAddresses(index, ['IPv4', 'IPv6']))
  const ranges = plans.flatMap((plan) => rangesOf(plan).map((text) => parseCidr(text)!))
  for (const [index, one] of ranges.entries()) {
    for (const other of ranges.slice(index + 1))
      assert.ok(!cidrContains(one, other.base) && !cidrContains(other, one.base))
  }
})

function rangesOf(plan: ReturnType<typeof planAddresses>): string[] {
  const parts = [plan, ...(plan.ipv6 ? [plan.ipv6] : [])]
  return [
    ...parts.flatMap(({ serviceCidr, podCidr, underlayCidr }) => [serviceCidr, podCidr, underlayCidr]),
    ...loadBalancerCidrs(plan),
  ]
}

test('every node has addresses of its own, in the ranges of its cluster', () => {
  const plan = planAddresses(30, ['IPv4', 'IPv6'])
  const ranges = { underlay: [plan.underlayCidr, plan.ipv6!.underlayCidr], pods: [plan.podCidr, plan.ipv6!.podCidr] }
  const isInside = (index: number, range: readonly string[], text: string): boolean =>
    cidrContains(parseCidr(range[index]!)!, (parseCidr(text)?.base ?? parseIp(text))!)
  const seen = new Set<string>([plan.controlPlaneIp, plan.ipv6!.controlPlaneIp])
  for (let number = 1; number <= maxNodes; number++) {
    const node = planNode(plan, number)
    for (const [index, ip] of internalIps(node).entries()) assert.ok(isInside(index, ranges.underlay, ip), ip)
    for (const [index, cidr] of podCidrs(node).entries()) assert.ok(isInside(index, ranges.pods, cidr), cidr)
    for (const text of [...internalIps(node), node.hostLoopbackIp, ...podCidrs(node)]) {
      assert.ok(!seen.has(text), text)
      seen.add(text)
    }
  }
})

for (const [what, families, expected] of [
  ['IPv4 alone', ['IPv4'], ['10.99.0.0/16', '10.241.7.0/24', '172.30.3.17', undefined, ['172.30.131.0/24']]],
  [
    'both families',
    ['IPv4', 'IPv6'],
    [
      '10.99.0.0/16 fd30:fd:3:1::/112',
      '10.241.7.0/24 fd30:fd:3:107::/64',
      '172.30.3.17 fd30:fd:3::17',
      'fd30:fd:3:107::fe',
      ['172.30.131.0/24', 'fd30:fd:3:2::/112'],
    ],
  ],
] as const) {
  test(`a cluster with ${what}`, () => {
    const plan = planAddresses(3, families)
    const node = planNode(plan, 7)
    const texts = [serviceCidrs(plan), podCidrs(node), internalIps(node)].map((list) => list.join(' '))
    assert.deepEqual([...texts, podIpv6(node, '10.241.7.254'), plan.loadBalancerPools], expected)
  })
}

test('addresses are written as Kubernetes writes them', () => {
  for (const index of [0, 1, 31]) {
    for (const text of rangesOf(planAddresses(index, ['IPv4', 'IPv6']))) {
      assert.equal(formatCidr(parseCidr(text)!), text)
    }
  }
})

test('what is out of range is refused', () => {
  assert.throws(() => planAddresses(maxClusters), /cluster index/)
  assert.throws(() => planNode(planAddresses(0), 0), /not in 1\.\./)
  assert.throws(() => planNode(planAddresses(0), maxNodes + 1), /not in 1\.\./)
})
