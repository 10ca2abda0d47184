/** The Deployments of rollout.ts with their Services, and what is done to them. */
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { awaitRoutesAnnotation } from '#api/committed-routes.ts'
import { Deployment } from '#api/deployment.ts'
import { Lease } from '#api/lease.ts'
import { Node } from '#api/node.ts'
import { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Client } from '#client/contract.ts'

export const namespace = 'default'
export const servicePort = 80
const server = path.join(import.meta.dirname, 'rollout-server.ts')
const notReadyMount = '/not-ready'
const pollMs = 50
const patienceMs = 60_000

export interface App {
  readonly name: string
  readonly replicas: number
  /** False is the control: its pods are stopped without waiting for routes, which come late (mirror-slowly.ts). */
  readonly isOrdered: boolean
  readonly port: number
  readonly hostNetwork?: boolean
  readonly startDelayMs?: number
  readonly preStopSeconds?: number
}

/** `slow` has a preStop hook and listens late; `host` is in the network of its nodes. */
export const apps: readonly App[] = [
  { name: 'ordered', replicas: 3, isOrdered: true, port: 8080 },
  { name: 'control', replicas: 3, isOrdered: false, port: 8080 },
  { name: 'slow', replicas: 2, isOrdered: true, port: 8080, startDelayMs: 500, preStopSeconds: 1 },
  { name: 'host', replicas: 2, isOrdered: true, port: 8099, hostNetwork: true },
]

/** A pod says that it is not ready while the file `DIRECTORY/POD` exists. */
export async function createApp(client: Client, app: App, directory: string): Promise<void> {
  const { name, replicas } = app
  const template = { metadata: podMetadata(app), spec: podSpec(app, directory) }
  const spec = { replicas, selector: { matchLabels: { app: name } }, template } as Deployment['spec']
  await client.of(Deployment).create({ metadata: { name, namespace }, spec })
}

export async function createService(client: Client, name: string, app: App, more: Partial<Service['spec']> = {}) {
  const ports = (['TCP', 'UDP'] as const).map((protocol) => ({
    name: protocol.toLowerCase(),
    protocol,
    port: servicePort,
    targetPort: app.port,
  }))
  // The control's endpoints are made from outside.
  const spec = { ...(app.isOrdered && { selector: { app: app.name } }), ports, ...more }
  return await client.of(Service).create({ metadata: { name, namespace }, spec })
}

function podMetadata({ name, isOrdered }: App) {
  return { labels: { app: name }, ...(!isOrdered && { annotations: { [awaitRoutesAnnotation]: 'false' } }) }
}

function podSpec(app: App, directory: string): Pod['spec'] {
  const { port, hostNetwork = false, startDelayMs = 0, preStopSeconds } = app
  const container = {
    name: 'server',
    image: 'localhost/host',
    command: [process.execPath, server],
    ports: [{ containerPort: port }],
    env: Object.entries({ PORT: port, START_DELAY_MS: startDelayMs, NOT_READY: notReadyMount }).map(
      ([name, value]) => ({
        name,
        value: String(value),
      }),
    ),
    volumeMounts: [{ name: 'not-ready', mountPath: notReadyMount }],
    readinessProbe: { httpGet: { path: '/ready', port }, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 },
    ...(preStopSeconds !== undefined && { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
  }
  const volumes = [{ name: 'not-ready', hostPath: { path: directory } }]
  return { hostNetwork, terminationGracePeriodSeconds: 30, volumes, containers: [container] } as Pod['spec']
}

export async function restart(client: Client, { name }: App): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() }
  const patch = { spec: { template: { metadata: { annotations } } } }
  await client.of(Deployment).patch({ namespace, name }, 'strategic', patch)
}

export async function scale(client: Client, { name }: App, count: number): Promise<void> {
  await client.of(Deployment).patch({ namespace, name }, 'merge', { spec: { replicas: count } })
}

/** As `kubectl drain`: no new pods on the node, and those of the apps are evicted. */
export async function drain(client: Client, node: string): Promise<void> {
  await client.of(Node).patch({ name: node }, 'merge', { spec: { unschedulable: true } })
  const { items } = await client.of(Pod).list({ namespace, fieldSelector: `spec.nodeName=${node}` })
  const ours = items.filter(({ metadata }) => apps.some(({ name }) => name === metadata.labels?.['app']))
  for (const { metadata } of ours) {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: metadata.name, namespace } }
    await client.of(Pod).createSubresource({ namespace, name: metadata.name }, 'eviction', body)
  }
}

/** The Node object alone: its agent and its proxy run on. */
export async function removeNode(client: Client, name: string): Promise<void> {
  await client.of(Node).delete({ name })
}

export async function untilNodeReady(client: Client, name: string): Promise<void> {
  await waitUntil(`node ${name} ready`, async () => {
    const { status } = await client.of(Node).get({ name })
    return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
  })
}

export async function uncordon(client: Client, node: string): Promise<void> {
  await client.of(Node).patch({ name: node }, 'merge', { spec: { unschedulable: null } })
}

export const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true

/** Resolves when the pod's readiness is as wanted. */
export async function untilReadiness(client: Client, name: string, wanted: boolean): Promise<void> {
  await waitUntil(`${name} ready: ${wanted}`, async () => {
    return isReady(await client.of(Pod).get({ namespace, name })) === wanted
  })
}

export async function podsOf(client: Client, { name }: App): Promise<readonly string[]> {
  const { items } = await client.of(Pod).list({ namespace, labelSelector: `app=${name}` })
  return items.map(({ metadata }) => metadata.name)
}

/** `kubectl delete --force --grace-period 0`. */
export async function deleteByForce(client: Client, name: string): Promise<void> {
  await client.of(Pod).delete({ namespace, name }, { gracePeriodSeconds: 0 })
}

/** Resolves when the app has as many ready pods of its newest template as it wants, and no others, not even leaving ones. */
export async function untilSettled(client: Client, { name }: App): Promise<void> {
  await waitUntil(`${name} settled`, async () => {
    const { metadata, spec, status } = await client.of(Deployment).get({ namespace, name })
    const { items } = await client.of(Pod).list({ namespace, labelSelector: `app=${name}` })
    const wanted = spec.replicas ?? 1
    const isSettled =
      status?.observedGeneration === metadata.generation &&
      status?.updatedReplicas === wanted &&
      status?.availableReplicas === wanted &&
      items.length === wanted
    return isSettled || new Error(`${JSON.stringify(status)}, pods: ${items.map(describePod).join('; ')}`)
  })
}

function describePod({ metadata, spec, status }: Pod): string {
  const leaving = metadata.deletionTimestamp === undefined ? '' : `, leaving since ${metadata.deletionTimestamp}`
  const conditions = status?.conditions?.map(({ type, status: value }) => `${type} ${value}`).join(', ')
  return `${metadata.name} on ${spec.nodeName}: ${status?.phase}, ${conditions}${leaving}`
}

/** Milliseconds from asking for a pod's deletion until it is gone, for a pod behind the app's Service. */
export async function timeDeletion(client: Client, app: App, directory: string): Promise<number> {
  const name = `${app.name}-timed`
  const spec = podSpec(app, directory)
  await client.of(Pod).create({ metadata: { name, namespace, ...podMetadata(app) }, spec })
  await waitUntil(`${name} ready`, async () => isReady(await client.of(Pod).get({ namespace, name })))
  const stop = new AbortController()
  const fieldSelector = `metadata.name=${name}`
  const { metadata } = await client.of(Pod).list({ namespace, fieldSelector })
  const query = { namespace, fieldSelector, resourceVersion: metadata.resourceVersion ?? '' }
  const events = client.of(Pod).watch(query, stop.signal)
  const begun = performance.now()
  await client.of(Pod).delete({ namespace, name })
  for await (const batch of events) if (batch.some(({ type }) => type === 'DELETED')) break
  stop.abort()
  return performance.now() - begun
}

export async function timeWrites(client: Client, count: number): Promise<number[]> {
  const leases = client.of(Lease)
  const times: number[] = []
  const { metadata } = await leases.create({ metadata: { name: 'timed', namespace }, spec: {} })
  for (let index = 0; index < count; index++) {
    const begun = performance.now()
    await leases.patch({ namespace, name: metadata.name }, 'merge', {
      metadata: { annotations: { index: `${index}` } },
    })
    times.push(performance.now() - begun)
  }
  return times
}

/** `isTrue` may say why not. Its errors are tried again: the API may be away, because it was killed. */
export async function waitUntil(what: string, isTrue: () => Promise<boolean | Error>): Promise<void> {
  const untilMs = performance.now() + patienceMs
  let last: unknown
  while (performance.now() < untilMs) {
    try {
      const found = await isTrue()
      if (found === true) return
      last = found
    } catch (error) {
      if (isNotFound(error)) throw error
      last = error
    }
    await delay(pollMs)
  }
  throw new Error(`Cannot see ${what} in ${patienceMs} ms`, { cause: last })
}
