/** A whole API server on a port of the loopback, with one running pod and a Service of it. For tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { KubeObject } from '#api/meta.ts'
import type { ApiHandler } from '#api/wire.ts'
import { planAddresses } from '#lib/address-plan.ts'
import { systemClock } from '#lib/clock.ts'
import { silentLog } from '#observe/log.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import { type Auth, openAuth } from '../auth/open-auth.ts'
import { applyBootstrap } from '../bootstrap/apply-bootstrap.ts'
import { type ApiServer, createApiHandler } from '../create-api-handler.ts'
import { adminUser, ensurePki, type Pki } from '../pki/open-pki.ts'
import { renderKubeconfig } from '../pki/render-kubeconfig.ts'
import { type ListenAddress, serveHttps } from '../serve-https.ts'
import { readObject } from '../streaming/read-object.ts'
import { type FakePodStreams, fakePodStreams } from './fake-pod-streams.ts'

export interface TestHttpsServer extends AsyncDisposable {
  readonly port: number
  /** `https://127.0.0.1:PORT` */
  readonly url: string
  readonly pki: Pki
  readonly auth: Auth
  readonly api: ApiServer
  /** What the listeners hand requests to. */
  readonly handle: ApiHandler
  readonly podStreams: FakePodStreams
  /** A kubeconfig of the administrator, as text. */
  readonly kubeconfig: string
  /** Makes an object as the administrator; throws what the server answers to failures. */
  create(path: string, object: object): Promise<Record<string, never>>
  /** Stops listening and closes all connections; the store stays. */
  stop(): Promise<void>
  /** Listens again on the same port. */
  start(): Promise<void>
}

export async function openHttpsServer(handleOf = (handle: ApiHandler): ApiHandler => handle): Promise<TestHttpsServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'apiserver-https-'))
  const pki = await ensurePki(directory, { ips: [] })
  await rm(directory, { recursive: true })
  let api: ApiServer
  const auth = openAuth({
    serviceAccountKey: pki.serviceAccountKey,
    clock: systemClock,
    objects: () => api.objects,
    staticTokens: [{ token: 'nobodys-token', user: { name: 'bob', groups: [] } }],
  })
  const { authorize, mintToken, reviews } = auth
  api = await createApiHandler({ store: openMemoryStore(), log: silentLog, authorize, mintToken, reviews })
  await applyBootstrap(api.handle, planAddresses(0), new AbortController().signal)
  const podStreams = fakePodStreams()
  const handle = handleOf(api.handle)
  const listen = (address: ListenAddress) =>
    serveHttps(
      { handle, authenticate: auth.authenticate, authorize, pki, listeners: [address], podStreams, log: silentLog },
      new AbortController().signal,
    )
  let server = await listen({ host: '127.0.0.1', port: 0 })
  const port = server.addresses[0]!.port
  const url = `https://127.0.0.1:${port}`
  const create = (target: string, object: object) => send(api.handle, 'POST', target, object)
  await createSamples(create)
  for (const [name, status] of Object.entries(podStatuses)) await writePodStatus(api.handle, name, status)
  return {
    port,
    url,
    pki,
    auth,
    api,
    handle,
    podStreams,
    create,
    kubeconfig: JSON.stringify(
      renderKubeconfig({ name: 'test', server: url, caCertificate: pki.caCertificate, user: pki.admin }),
    ),
    stop: async () => server[Symbol.asyncDispose](),
    start: async () => {
      server = await listen({ host: '127.0.0.1', port })
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

async function send(
  handle: ApiHandler,
  method: 'POST' | 'PUT',
  target: string,
  object: object,
): Promise<Record<string, never>> {
  const answer = await handle({
    method,
    path: target,
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body: object,
    user: adminUser,
    signal: new AbortController().signal,
  })
  const value = answer.body?.type === 'object' ? answer.body.value : undefined
  if (answer.status >= 300) throw new Error(`Cannot write ${target}: ${JSON.stringify(value)}`)
  return value as Record<string, never>
}

async function createSamples(create: (target: string, object: object) => Promise<unknown>): Promise<void> {
  const core = '/api/v1/namespaces/default'
  await create(`${core}/serviceaccounts`, { metadata: { name: 'default' } })
  const container = (name: string) => ({ name, image: 'web', ports: [{ containerPort: 80 }] })
  const pods = { web: ['main'], two: ['a', 'b'], done: ['main'], pending: ['main'] }
  for (const [name, containers] of Object.entries(pods)) {
    await create(`${core}/pods`, {
      metadata: { name },
      spec: { nodeName: 'n1', containers: containers.map(container) },
    })
  }
  await create(`${core}/services`, {
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 8080, targetPort: 80 }] },
  })
  await create(`${core}/services`, { metadata: { name: 'empty' }, spec: { ports: [{ port: 80 }] } })
  await create('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: [
      {
        addresses: ['10.244.1.2'],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', namespace: 'default', name: 'web' },
      },
      {
        addresses: ['10.244.1.9'],
        conditions: { ready: false },
        targetRef: { kind: 'Pod', namespace: 'default', name: 'done' },
      },
    ],
  })
}

const running = (name: string) => ({
  name,
  ready: true,
  restartCount: 0,
  image: 'web',
  imageID: '',
  state: { running: {} },
})
const podStatuses: Readonly<Record<string, object>> = {
  web: { phase: 'Running', podIP: '10.244.1.2', containerStatuses: [running('main')] },
  two: { phase: 'Running', podIP: '10.244.1.3', containerStatuses: [running('a'), running('b')] },
  done: { phase: 'Succeeded' },
}

/** A status counts only when it is written by itself. */
async function writePodStatus(handle: ApiHandler, name: string, status: object): Promise<void> {
  const target = `/api/v1/namespaces/default/pods/${name}`
  const pod = await readObject<KubeObject>(handle, target)
  await send(handle, 'PUT', `${target}/status`, { ...pod, status })
}
