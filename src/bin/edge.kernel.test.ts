/** The edge process as the control plane starts it, against a real API server over HTTPS, which then dies. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import * as dnsPacket from 'dns-packet'
import type { PodStreams } from '#api/pod-streams.ts'
import { createAuthenticator } from '#apiserver/auth/authenticate.ts'
import { createAuthorizer } from '#apiserver/auth/authorize.ts'
import { standardPolicy } from '#apiserver/auth/policy.ts'
import type { Authorize } from '#apiserver/authorize-request.ts'
import { openTestServer, type TestServer } from '#apiserver/open-test-server.ts'
import { ensurePki, type Pki } from '#apiserver/pki/open-pki.ts'
import { renderKubeconfig } from '#apiserver/pki/render-kubeconfig.ts'
import { serveHttps } from '#apiserver/serve-https.ts'
import { frame } from '#dns/frame-splitter.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { connectInNetns } from '#kernel/connect-in-netns.ts'
import { closeAll } from '#kernel/libc-process.ts'
import { releaseNamespace } from '#kernel/namespaces.ts'
import { type DetachedProcess, startDetached } from '#kernel/start-detached.ts'
import { signalProcess } from '#kernel/process-identity.ts'
import { type KernelBroker, startNamespaceBroker } from '#kernel/start-namespace-broker.ts'
import { planAddresses, planNode } from '#lib/address-plan.ts'
import { silentLog } from '#observe/log.ts'
import { copyDnsSockets, type DnsSockets, inheritedOf, openDnsSockets, udpSocketCount } from './dns-sockets.ts'
import type { EdgeConfig } from './edge-config.ts'

const plan = planAddresses(28)
const node = planNode(plan, 1)
const directory = mkdtempSync(path.join(tmpdir(), 'edge-kernel-'))
const paths = clusterPaths(`${directory}/run`)
const logFile = `${directory}/edge.log`
const policy = createAuthorizer(standardPolicy)
/** The test itself may write; the edge has what the policy gives it. */
const authorize: Authorize = (attributes) =>
  attributes.user.name === 'tester' ? { allowed: true } : policy(attributes)
const stack = new AsyncDisposableStack()
const { signal: stop } = new AbortController()
let broker: KernelBroker
let api: TestServer
let pki: Pki
let edge: DetachedProcess | undefined

before(async () => {
  stack.defer(() => rmSync(directory, { recursive: true }))
  broker = await startNamespaceBroker({ runDir: paths.runDir })
  stack.defer(() => [paths.node(1), paths.underlay].forEach(releaseNamespace))
  stack.use(broker)
  await broker.ensureUnderlay(plan)
  await broker.ensureNodeNetwork(plan, node, [])
  pki = await ensurePki(`${directory}/pki`, { ips: [plan.controlPlaneIp] })
  api = await openTestServer({ authorize })
})
after(async () => {
  if (edge) signalProcess(edge.identity, 'SIGKILL')
  await stack.disposeAsync()
})

async function ask(name: string, type = 'A'): Promise<dnsPacket.PeerMessage> {
  const socket = createSocket('udp4')
  socket.bind({ fd: await broker.openUdpSocket(paths.node(1), node.internalIp, 0) })
  socket.send(dnsPacket.encode({ type: 'query', id: 1, questions: [{ type, name }] }), 53, plan.controlPlaneIp)
  const [packet] = await once(socket, 'message')
  socket.close()
  return dnsPacket.decode(packet as Buffer)
}

async function startReadyEdge(sockets: DnsSockets): Promise<DetachedProcess> {
  const started = await startDetached({
    command: [process.execPath, new URL('./run-edge.ts', import.meta.url).pathname, `${directory}/edge.json`],
    env: process.env,
    logFile,
    inherited: inheritedOf(sockets),
  })
  edge = started
  const [said] = await Promise.race([
    once(started.progress, 'data'),
    started.exited.then((code) => assert.fail(`the edge ended with ${code}: ${readFileSync(logFile, 'utf8')}`)),
  ])
  assert.deepEqual(JSON.parse(String(said)), { type: 'ready' })
  return started
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    await new Promise(setImmediate)
  }
}

test('starts, serves what the API says, loses no question when killed, outlives the API server, ends on SIGTERM', async () => {
  const server = await serveHttps(
    {
      handle: api.api.handle,
      authenticate: createAuthenticator({}),
      authorize,
      pki,
      listeners: [{ host: '127.0.0.1', port: 0 }],
      // no pod is streamed from in this test
      podStreams: {} as PodStreams,
      log: silentLog,
    },
    new AbortController().signal,
  )
  stack.defer(() => server[Symbol.asyncDispose]())
  const kubeconfig = renderKubeconfig({
    name: 'edge',
    server: `https://127.0.0.1:${server.addresses[0]!.port}`,
    caCertificate: pki.caCertificate,
    user: pki.edge,
  })
  writeFileSync(`${directory}/kubeconfig`, JSON.stringify(kubeconfig))
  const config: EdgeConfig = {
    kubeconfig: `${directory}/kubeconfig`,
    runDir: paths.runDir,
    clusterIndex: plan.index,
    resolvConf: `${directory}/absent`,
    privileged: false,
    udpSockets: udpSocketCount(),
  }
  writeFileSync(`${directory}/edge.json`, JSON.stringify(config))
  await api.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', {
    metadata: { name: 'kubernetes' },
    spec: { cidrs: [plan.serviceCidr] },
  })
  await api.call('POST', '/api/v1/nodes', { metadata: { name: 'one' } })
  const addresses = [
    { type: 'InternalIP', address: node.internalIp },
    { type: 'ExternalIP', address: node.hostLoopbackIp },
  ]
  await api.call(
    'PATCH',
    '/api/v1/nodes/one/status',
    { status: { addresses } },
    { contentType: 'application/merge-patch+json' },
  )

  const first = await openDnsSockets(broker, paths.runDir, plan)
  const killed = await startReadyEdge(first)

  const made = await api.call('POST', '/api/v1/namespaces/default/services', {
    metadata: { name: 'web' },
    spec: { type: 'NodePort', clusterIP: `10.${96 + plan.index}.0.77`, ports: [{ port: 80, nodePort: 30090 }] },
  })
  assert.equal(made.status, 201, JSON.stringify(made.object))
  const answer = await until(async () => {
    const found = await ask('web.default.svc.cluster.local')
    return found.rcode === 'NOERROR' ? found : undefined
  })
  assert.equal(answer.answers![0]!.data, made.object.spec.clusterIP)
  assert.equal((await ask('www.example.com')).rcode, 'SERVFAIL')

  const behind = createServer((socket) => void socket.end('through the edge'))
  stack.defer(() => void behind.close())
  behind.listen({ fd: await broker.openTcpListener(paths.node(1), node.internalIp, 30090) })
  const fromHost = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      const client = connect(30090, node.hostLoopbackIp)
      client.on('data', (chunk) => resolve(String(chunk))).on('error', () => resolve(undefined))
    })
  assert.equal(await until(fromHost), 'through the edge')

  // as a control plane does that finds an edge of another one's
  const sockets = copyDnsSockets(killed.identity, udpSocketCount())
  closeAll(inheritedOf(first))
  process.kill(killed.identity.pid, 'SIGKILL')
  await killed.exited
  const askedBetween = Array.from({ length: 20 }, () => ask('web.default.svc.cluster.local'))
  const connected = await connectInNetns(broker, { netns: paths.node(1), address: plan.controlPlaneIp, port: 53 }, stop)
  const started = await startReadyEdge(sockets)
  for (const { answers } of await Promise.all(askedBetween)) assert.equal(answers![0]!.data, made.object.spec.clusterIP)
  connected.write(
    frame(
      dnsPacket.encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'web.default.svc.cluster.local' }] }),
    ),
  )
  await once(connected, 'data')
  connected.destroy()

  await server[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
  assert.equal((await ask('web.default.svc.cluster.local')).answers![0]!.data, made.object.spec.clusterIP)
  assert.equal(await fromHost(), 'through the edge')

  process.kill(started.identity.pid, 'SIGTERM')
  assert.equal(await started.exited, 0, readFileSync(logFile, 'utf8'))
})
