/** Kinds of Services and selectors: NodePort, nothing selected, two Deployments, blue and green. */
import assert from 'node:assert/strict'
import type { Cluster } from './cluster.ts'
import {
  askFromHost,
  askFromPod,
  countBy,
  inPod,
  readEndpoints,
  listPods,
  waitForEndpoints,
  waitForReady,
  waitForRollout,
} from './observe-cluster.ts'
import { renderDeployment, renderService } from './manifests.ts'
import type { SuiteContext } from './suite.ts'
import { waitFor, yes } from './wait-for.ts'

interface NodeList {
  readonly items: readonly {
    readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] }
  }[]
}

interface Ports {
  readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly nodePort: number }[] }
}

interface PodOnNode {
  readonly status: { readonly hostIP: string }
}

interface LoadBalancer {
  readonly status: { readonly loadBalancer: { readonly ingress: readonly { readonly ip: string }[] } }
}

const hello = { app: 'hello' }

const localLoadBalancer = (name: string, healthCheckNodePort: number): string => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  healthCheckNodePort: ${healthCheckNodePort}
  selector: { app: ${name} }
  ports: [{ port: 80, targetPort: 5678 }]
`

const hostNetworkPod = `apiVersion: v1
kind: Pod
metadata:
  name: in-node
spec:
  hostNetwork: true
  containers:
    - { name: shell, image: busybox, command: [sleep, "3600"] }
`

export async function checkServices({ step }: SuiteContext): Promise<void> {
  await step('a NodePort answers on every node, from the host and from a pod', async (cluster) => {
    await cluster.apply(renderService({ name: 'hello-np', selector: hello, type: 'NodePort' }))
    const pods = (await waitForEndpoints(cluster, 'hello-np', 3)).map(({ pod }) => pod)
    const port = (await cluster.get<Ports>(['svc', 'hello-np'])).spec.ports[0]!.nodePort
    assert.ok(port >= 30_000 && port <= 32_767)
    const internal = await nodeAddresses(cluster, 'InternalIP')
    const external = await nodeAddresses(cluster, 'ExternalIP')
    assert.equal(internal.length, 3)
    assert.equal(external.length, 3)
    // The host's own network namespace has a route to the nodes only if root made one.
    const reachable = cluster.user.isRoot ? [...internal, ...external] : external
    for (const address of reachable) {
      const answer = await waitFor(`an answer of ${address}:${port}`, () => askFromHost(address, port), 20_000)
      assert.ok(pods.includes(answer), `${address}:${port} answered ${answer}`)
    }
    for (const address of internal) {
      assert.ok(pods.includes((await inPod(cluster, 'shell', `wget -qO- http://${address}:${port}`)).trim()))
    }
  })

  await step('healthCheckNodePorts tell which nodes have endpoints', async (cluster) => {
    await cluster.apply(renderDeployment({ name: 'checked', replicas: 1 }))
    await cluster.apply(localLoadBalancer('checked', 31_998))
    const [endpoint] = await waitForEndpoints(cluster, 'checked', 1)
    const host = (await cluster.get<PodOnNode>(['pod', endpoint!.pod])).status.hostIP
    // The Service has one family, and so have its health checks.
    const nodes = (await nodeAddresses(cluster, 'InternalIP')).filter((address) => !address.includes(':'))
    assert.ok(nodes.includes(host))
    for (const node of nodes) {
      const wanted = node === host ? /"localEndpoints": 1/ : /503/
      const ask = `timeout 5 wget -qO- http://${node}:31998/ 2>&1 || true`
      await waitFor(`the health check of ${node}`, async () => yes(wanted.test(await inPod(cluster, 'shell', ask))))
    }
  })

  await step("a pod in its node's network reaches Services", async (cluster) => {
    await cluster.apply(hostNetworkPod)
    await waitForReady(cluster, 'in-node')
    const { spec, status } = await cluster.get<Ports & LoadBalancer>(['svc', 'checked'])
    const addresses = [spec.clusterIP, status.loadBalancer.ingress[0]!.ip, `127.0.0.1:${spec.ports[0]!.nodePort}`]
    for (const address of addresses) {
      assert.match(await inPod(cluster, 'in-node', `timeout 5 wget -qO- http://${address}`), /^checked-/, address)
    }
    await cluster.kubectl(['delete', 'pod/in-node', 'svc/checked', 'deployment/checked', '--grace-period=1'])
  })

  await step('a pod reaches itself through its Service', async (cluster) => {
    const [endpoint] = await waitForEndpoints(cluster, 'hello-svc', 3)
    const answers = await askFromPod(cluster, endpoint!.pod, { url: 'http://hello-svc', count: 60 })
    assert.ok((countBy(answers).get(endpoint!.pod) ?? 0) > 0, 'hairpin')
    assert.equal(countBy(answers).get('FAILED') ?? 0, 0)
  })

  await step('when labels match nothing, connections are refused at once', async (cluster) => {
    await cluster.kubectl(['label', 'pods', '-l', 'app=hello', 'app=other', '--overwrite'])
    await cluster.kubectl(['scale', 'deployment/hello', '--replicas=0'])
    await cluster.kubectl(['delete', 'pods', '-l', 'app=other'])
    // The pods that replaced them may only be on their way when their Deployment hears that none are wanted.
    await waitFor('no pod of hello', async () => yes((await listPods(cluster, ['-l', 'app=hello'])).length === 0))
    await waitForEndpoints(cluster, 'hello-svc', 0)
    assert.match(await cluster.kubectl(['describe', 'svc', 'hello-svc']), /^Endpoints:\s*(<none>)?\s*$/m)
    const { clusterIP } = (await cluster.get<Ports>(['svc', 'hello-svc'])).spec
    const started = performance.now()
    const answer = await inPod(cluster, 'shell', `timeout 10 wget -qO- http://${clusterIP} 2>&1 || true`)
    assert.match(answer, /Connection refused/)
    assert.ok(performance.now() - started < 3000, 'refused, not timed out')
    await cluster.kubectl(['scale', 'deployment/hello', '--replicas=3'])
    await waitForEndpoints(cluster, 'hello-svc', 3)
    await waitForRollout(cluster, 'deployment/hello')
  })

  await step('two Deployments under one selector share the traffic', async (cluster) => {
    for (const name of ['left', 'right']) {
      const labels = { app: name, shared: 'yes' }
      await cluster.apply(renderDeployment({ name, labels, replicas: 2, text: name }))
    }
    await cluster.apply(renderService({ name: 'shared', selector: { shared: 'yes' } }))
    await waitForEndpoints(cluster, 'shared', 4)
    const counts = countBy(await askFromPod(cluster, 'shell', { url: 'http://shared', count: 100 }))
    assert.deepEqual([...counts.keys()].toSorted(), ['left', 'right'])
    const fiveSigma = 5 * Math.sqrt(100 * 0.25)
    for (const count of counts.values()) assert.ok(Math.abs(count - 50) < fiveSigma, `${count} of 100`)
    await cluster.kubectl(['delete', 'deployment/left', 'deployment/right', 'svc/shared'])
  })

  await step('blue and green: a changed selector moves all traffic', async (cluster) => {
    for (const version of ['v1', 'v2']) {
      const labels = { app: 'color', version }
      await cluster.apply(renderDeployment({ name: `color-${version}`, labels, replicas: 2, text: version }))
      await waitForRollout(cluster, `deployment/color-${version}`)
    }
    await cluster.apply(renderService({ name: 'color', selector: { app: 'color', version: 'v1' } }))
    await waitForEndpoints(cluster, 'color', 2)
    assert.deepEqual(
      [...countBy(await askFromPod(cluster, 'shell', { url: 'http://color', count: 30 })).keys()],
      ['v1'],
    )
    await cluster.kubectl(['patch', 'svc', 'color', '-p', JSON.stringify({ spec: { selector: { version: 'v2' } } })])
    await waitFor('the endpoints of v2', async () => {
      const endpoints = await readEndpoints(cluster, 'color')
      return yes(endpoints.length === 2 && endpoints.every(({ pod }) => pod.startsWith('color-v2')))
    })
    await waitFor('an answer of v2', async () =>
      yes((await inPod(cluster, 'shell', 'wget -qO- http://color')).trim() === 'v2'),
    )
    assert.deepEqual(
      [...countBy(await askFromPod(cluster, 'shell', { url: 'http://color', count: 30 })).keys()],
      ['v2'],
    )
    await cluster.kubectl(['delete', 'deployment/color-v1', 'deployment/color-v2', 'svc/color'])
  })
}

/** Of IPv4: check-dual-stack.ts has the others. */
async function nodeAddresses(cluster: Cluster, type: string): Promise<readonly string[]> {
  const { items } = await cluster.get<NodeList>(['nodes'])
  return items
    .flatMap(({ status }) =>
      status.addresses.filter((address) => address.type === type && !address.address.includes(':')),
    )
    .map(({ address }) => address)
}
