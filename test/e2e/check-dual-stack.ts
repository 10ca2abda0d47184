/** IPv4 and IPv6 beside each other: addresses of pods, nodes, Services and load balancers, and traffic through all. */
import assert from 'node:assert/strict'
import { hasIpv6 } from '#kernel/probe-ipv6.ts'
import type { Cluster } from './cluster.ts'
import { renderBothFamilies, renderService, type ServiceOptions } from './manifests.ts'
import { askFromHost, askFromPod, inPod, waitForEndpoints, waitForRollout } from './observe-cluster.ts'
import type { SuiteContext } from './suite.ts'
import { waitFor, yes } from './wait-for.ts'

interface Spec {
  readonly clusterIPs: readonly string[]
  readonly ipFamilies: readonly string[]
  readonly ipFamilyPolicy: string
  readonly ports: readonly { readonly nodePort: number }[]
}

const app = 'both'
const urlOf = (ip: string, port = 80): string => `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`
const isIpv6 = (ip: string): boolean => ip.includes(':')

export async function checkDualStack({ step, note }: SuiteContext): Promise<void> {
  if (!hasIpv6()) return note('dual-stack was not tried: this kernel has no IPv6')

  await step('pods and nodes have an address of each family', async (cluster) => {
    await cluster.apply(renderBothFamilies(app, 3))
    await waitForRollout(cluster, `deployment/${app}`)
    const texts = await jsonPath(cluster, ['pods', '-l', `app=${app}`], '{.items[*].status.podIPs[*].ip}')
    assert.deepEqual(texts.map(isIpv6), [false, true, false, true, false, true])
    const ranges = await jsonPath(cluster, ['nodes'], '{.items[*].spec.podCIDRs[*]}')
    assert.deepEqual(ranges.map(isIpv6), [false, true, false, true, false, true])
    const [pod] = await jsonPath(cluster, ['pods', '-l', `app=${app}`], '{.items[0].metadata.name}')
    assert.equal((await inPod(cluster, pod!, 'echo $POD_IPS')).trim(), texts.slice(0, 2).join(','))
    const status = JSON.parse(await cluster.frontdesk(['status', cluster.name, '-o', 'json'])) as {
      readonly ipv6: { readonly enabled: boolean }
    }
    assert.ok(status.ipv6.enabled)
  })

  await step(
    'a Service without a word has one family, with RequireDualStack both, and both lead to every pod',
    async (cluster) => {
      assert.deepEqual((await specOf(cluster, { name: 'one-family' })).ipFamilies, ['IPv4'])
      const { clusterIPs, ipFamilies } = await specOf(cluster, { name: 'both', policy: 'RequireDualStack' })
      assert.deepEqual(
        [ipFamilies, clusterIPs.map(isIpv6)],
        [
          ['IPv4', 'IPv6'],
          [false, true],
        ],
      )
      await waitForEndpoints(cluster, 'both', 6)
      const pods = (await jsonPath(cluster, ['pods', '-l', `app=${app}`], '{.items[*].metadata.name}')).toSorted()
      for (const ip of clusterIPs) assert.deepEqual(await answersOf(cluster, urlOf(ip)), pods, ip)
    },
  )

  await step('names have addresses of the families that their Services have', async (cluster) => {
    const { clusterIPs } = await specOf(cluster, { name: 'six', families: ['IPv6'] })
    await specOf(cluster, { name: 'pods', policy: 'PreferDualStack', headless: true })
    await waitForEndpoints(cluster, 'pods', 6)
    for (const [name, a, aaaa] of [
      ['one-family', 1, 0],
      ['both', 1, 1],
      ['six', 0, 1],
      ['pods', 3, 3],
    ] as const) {
      assert.equal((await lookUp(cluster, `${name}.default.svc.cluster.local`, 'A')).length, a, `A of ${name}`)
      assert.equal((await lookUp(cluster, `${name}.default.svc.cluster.local`, 'AAAA')).length, aaaa, `AAAA of ${name}`)
    }
    assert.deepEqual(await lookUp(cluster, 'six.default.svc.cluster.local', 'AAAA'), clusterIPs)
    assert.match(await inPod(cluster, 'shell', `nslookup ${clusterIPs[0]}`), /name = six\.default\.svc\.cluster\.local/)
    await waitForAnswer(cluster, 'http://six')
  })

  await step('a NodePort of IPv6 answers on every node', async (cluster) => {
    const { ports } = await specOf(cluster, { name: 'six-np', families: ['IPv6'], type: 'NodePort' })
    await waitForEndpoints(cluster, 'six-np', 3)
    const [{ nodePort }] = ports as [{ nodePort: number }]
    const addresses = await jsonPath(
      cluster,
      ['nodes'],
      '{.items[*].status.addresses[?(@.type=="InternalIP")].address}',
    )
    const own = addresses.filter(isIpv6)
    assert.equal(own.length, 3)
    for (const address of own) {
      await waitForAnswer(cluster, urlOf(address, nodePort))
      if (!cluster.user.isRoot) continue
      await waitFor(`${address} answers the host`, () => askFromHost(address, nodePort))
    }
  })

  await step('a load balancer has an address of each family', async (cluster) => {
    await specOf(cluster, { name: 'both-lb', policy: 'RequireDualStack', type: 'LoadBalancer' })
    const ips = await waitFor('both addresses', async () => {
      const found = await jsonPath(cluster, ['svc', 'both-lb'], '{.status.loadBalancer.ingress[*].ip}')
      return found.length === 2 ? found : undefined
    })
    assert.deepEqual(ips.map(isIpv6), [false, true])
    for (const ip of ips) {
      await waitForAnswer(cluster, urlOf(ip))
      if (cluster.user.isRoot) await waitFor(`${ip} answers the host`, () => askFromHost(ip, 80))
    }
  })

  await step('a family is taken away, and given again', async (cluster) => {
    const [, ip6] = (await specOf(cluster, { name: 'both', policy: 'RequireDualStack' })).clusterIPs
    const change = (spec: object) => cluster.kubectl(['patch', 'svc', 'both', '-p', JSON.stringify({ spec })])
    await change({ ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'], clusterIPs: null })
    assert.deepEqual((await read(cluster, 'both')).ipFamilies, ['IPv4'])
    await waitForEndpoints(cluster, 'both', 3)
    await waitFor('no answer any more', async () =>
      yes(
        /timed out|TIMED/.test(await inPod(cluster, 'shell', `timeout 1 wget -qO- ${urlOf(ip6!)} 2>&1 || echo TIMED`)),
      ),
    )
    await change({ ipFamilyPolicy: 'PreferDualStack' })
    const { clusterIPs } = await read(cluster, 'both')
    assert.equal(clusterIPs.length, 2)
    await waitForAnswer(cluster, urlOf(clusterIPs[1]!))
    const { stderr } = await cluster.tryKubectl([
      'patch',
      'svc',
      'both',
      '-p',
      '{"spec":{"ipFamilies":["IPv6","IPv4"]}}',
    ])
    assert.match(stderr, /spec\.ipFamilies\[0\].*may not change once set/)
    await cluster.kubectl(['delete', 'svc', 'one-family', 'both', 'six', 'pods', 'six-np', 'both-lb'])
    await cluster.kubectl(['delete', `deployment/${app}`])
  })
}

async function specOf(cluster: Cluster, options: ServiceOptions): Promise<Spec> {
  await cluster.apply(renderService({ selector: { app }, ...options }))
  return read(cluster, options.name)
}

const read = async (cluster: Cluster, name: string): Promise<Spec> =>
  (await cluster.get<{ spec: Spec }>(['svc', name])).spec

async function jsonPath(cluster: Cluster, what: readonly string[], path: string): Promise<readonly string[]> {
  return (await cluster.kubectl(['get', ...what, '-o', `jsonpath=${path}`])).split(' ').filter((text) => text !== '')
}

/** The different answers of many connections. */
async function answersOf(cluster: Cluster, url: string): Promise<readonly string[]> {
  await waitForAnswer(cluster, url)
  return [...new Set(await askFromPod(cluster, 'shell', { url, count: 40 }))].toSorted()
}

const waitForAnswer = (cluster: Cluster, url: string): Promise<string> =>
  waitFor(`an answer of ${url}`, async () => (await inPod(cluster, 'shell', `timeout 2 wget -qO- ${url}`)).trim())

/** Addresses that a pod's resolver hears of. */
async function lookUp(cluster: Cluster, name: string, type: 'A' | 'AAAA'): Promise<readonly string[]> {
  const text = await inPod(cluster, 'shell', `nslookup -type=${type} ${name} || true`)
  const answers = text.split(/^Name:/m).slice(1)
  return answers.flatMap((part) => /Address[^:]*: *(\S+)/.exec(part)?.[1] ?? [])
}
