import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planAddresses, planNode } from '#lib/address-plan.ts'
import type { IpFamily } from '#lib/ip.ts'
import {
  desiredHostAccess,
  desiredNode,
  desiredPod,
  desiredPodLink,
  desiredUnderlay,
  desiredUnderlayPort,
  type DesiredNetns,
} from './desired-network.ts'

const underlay = 'underlay'

/** Everything on the underlay of a cluster with three nodes, by namespace. */
function wholeNetwork(families: readonly IpFamily[]): Map<string, DesiredNetns[]> {
  const plan = planAddresses(5, families)
  const nodes = [1, 2, 3].map((number) => planNode(plan, number))
  const access = desiredHostAccess(plan, nodes, { host: 'host', underlay })
  const parts = [
    desiredUnderlay(plan, underlay),
    ...nodes.map((node) => desiredUnderlayPort(plan, node, underlay)),
    access.underlay,
    access.host,
    ...nodes.map((node) => desiredNode(plan, node, { netns: `node-${node.number}`, underlay }, nodes)),
  ]
  return Map.groupBy(parts, ({ path }) => path)
}

test('everybody on the underlay knows the hardware address of every IPv6 address of the others', () => {
  const network = wholeNetwork(['IPv4', 'IPv6'])
  const owners = new Map<string, { readonly path: string; readonly mac: string | undefined }>()
  for (const [path, parts] of network) {
    for (const { addresses, mac } of parts.flatMap(({ links }) => links)) {
      for (const text of addresses) if (text.includes(':')) owners.set(text.split('/')[0]!, { path, mac })
    }
  }
  assert.equal(owners.size, 5)
  for (const [path, parts] of network) {
    const known = parts.flatMap(({ neighbours }) => neighbours.map(({ ip, mac }) => `${ip} ${mac}`))
    const others = [...owners].filter(([, owner]) => owner.path !== path)
    const wanted = others.map(([ip, { mac }]) => `${ip} ${mac}`)
    assert.deepEqual(known.toSorted(), wanted.toSorted(), path)
  }
})

test('a cluster of IPv4 alone has nothing of IPv6', () => {
  const pod = [desiredPod('10.239.1.2', 'pod'), desiredPodLink('10.239.1.2', { node: 'node-1', pod: 'pod' })]
  for (const { sysctls, links, routes } of [...[...wholeNetwork(['IPv4']).values()].flat(), ...pod]) {
    assert.deepEqual(
      Object.keys(sysctls).filter((name) => name.startsWith('ipv6/')),
      [],
    )
    const texts = [...links.flatMap(({ addresses }) => addresses), ...routes.flatMap(({ to, via = '' }) => [to, via])]
    assert.deepEqual(
      texts.filter((text) => text.includes(':')),
      [],
    )
  }
})

test('a pod of both families has one link, two addresses and two gateways', () => {
  const pod = desiredPod('10.239.1.2', 'pod', 'fd30:fd:5:101::2')
  const link = desiredPodLink('10.239.1.2', { node: 'node-1', pod: 'pod' }, 'fd30:fd:5:101::2')
  assert.deepEqual(pod.links.at(-1)?.addresses, ['10.239.1.2/32', 'fd30:fd:5:101::2/128'])
  assert.deepEqual(
    pod.neighbours.map(({ ip }) => ip),
    ['169.254.1.1', 'fe80::1'],
  )
  assert.deepEqual(
    pod.neighbours.map(({ mac }) => mac),
    [link.links[0]?.mac, link.links[0]?.mac],
  )
  assert.deepEqual(
    link.routes.map(({ to }) => to),
    ['10.239.1.2/32', 'fd30:fd:5:101::2/128'],
  )
})
