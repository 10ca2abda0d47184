import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxClusters, maxNodes, planAddresses, planNode } from './address-plan.ts'
import { cidrContains, parseCidr, parseIp } from './ip.ts'

test('ranges of two clusters never meet', () => {
  const ranges = Array.from({ length: maxClusters }, (_, index) => planAddresses(index)).flatMap((plan) =>
    [plan.serviceCidr, plan.podCidr, plan.underlayCidr].map((text) => parseCidr(text)!),
  )
  for (const [index, one] of ranges.entries()) {
    for (const other of ranges.slice(index + 1))
      assert.ok(!cidrContains(one, other.base) && !cidrContains(other, one.base))
  }
})

test('every node has addresses of its own, in the ranges of its cluster', () => {
  const plan = planAddresses(3)
  const seen = new Set<string>([plan.controlPlaneIp])
  for (let number = 1; number <= maxNodes; number++) {
    const node = planNode(plan, number)
    assert.ok(cidrContains(parseCidr(plan.underlayCidr)!, parseIp(node.internalIp)!), node.internalIp)
    assert.ok(cidrContains(parseCidr(plan.podCidr)!, parseCidr(node.podCidr)!.base), node.podCidr)
    for (const text of [node.internalIp, node.hostLoopbackIp, node.podCidr]) {
      assert.ok(!seen.has(text), text)
      seen.add(text)
    }
  }
})

test('what is out of range is refused', () => {
  assert.throws(() => planAddresses(maxClusters), /cluster index/)
  assert.throws(() => planNode(planAddresses(0), 0), /not in 1\.\./)
  assert.throws(() => planNode(planAddresses(0), maxNodes + 1), /not in 1\.\./)
})
