/** Starts the agent of one node: registers the Node and runs the pods that are bound to it. */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ConfigMap } from '#api/config-map.ts'
import { Pod } from '#api/pod.ts'
import { Secret } from '#api/secret.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Client, EventRecorder, Informer } from '#client/contract.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import type { KernelBroker } from '#kernel/start-namespace-broker.ts'
import type { AddressPlan, NodeAddresses } from '#lib/address-plan.ts'
import type { Clock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import type { AgentContext } from './agent-context.ts'
import type { ReferencedObjects } from './environment/build-environment.ts'
import { parseResolvConf, type ResolverConfig } from './environment/render-resolv-conf.ts'
import type { ImageStore } from './images/contract.ts'
import { openPodAddresses } from './node/open-pod-addresses.ts'
import { renderCapacity } from './node/render-node.ts'
import { readMachineFacts, runNodeRegistration } from './node/run-node-registration.ts'
import { readSavedPods, type SavedPod } from './pod/open-pod-dir.ts'
import { RouteWithdrawals } from './pod/route-withdrawals.ts'
import { PodRunner } from './pod/run-pod.ts'
import type { PodDirectory } from './streams/serve-pod-streams.ts'
import { selectReferences } from './volumes/select-references.ts'

export interface NodeAgentOptions {
  readonly client: Client
  readonly informers: { of<T extends KubeObject>(kind: Kind<T>): Informer<T> }
  readonly nodeName: string
  /** Labels that the Node begins with: its zone, say. */
  readonly nodeLabels?: Readonly<Record<string, string>>
  readonly plan: AddressPlan
  readonly addresses: NodeAddresses
  readonly dirs: {
    /** `pods/` of the cluster's directory. */
    readonly pods: string
    /** The cluster's tmpfs. */
    readonly run: string
  }
  readonly broker: KernelBroker
  readonly images: ImageStore
  readonly events: EventRecorder
  readonly clock: Clock
  readonly log: Log
  /** Of frontdesk itself, for containerRuntimeVersion. */
  readonly version: string
  /** Environment of the daemon: `localhost/host` containers get PATH and the like from it. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface NodeAgent extends PodDirectory, AsyncDisposable {
  readonly nodeName: string
  /** Resolves when pods of an earlier agent are adopted and the current ones are being worked on. */
  readonly synced: Promise<void>
}

/** The node's network (`broker.ensureNodeNetwork`) must exist. Resolves when the Node is registered. */
export async function startNodeAgent(options: NodeAgentOptions, signal: AbortSignal): Promise<NodeAgent> {
  mkdirSync(options.dirs.pods, { recursive: true })
  const facts = readMachineFacts(options.dirs.pods)
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  const context = createContext(options, renderCapacity(facts))
  const pods = new Pods(context, until)
  const { client, nodeName, nodeLabels: labels = {}, addresses, version, clock, log } = options
  await runNodeRegistration({ client, nodeName, labels, addresses, facts, version, clock, log }, until)
  const synced = pods.start(options.informers)
  synced.catch((error: unknown) => {
    if (!until.aborted) log.error({ node: nodeName, error: String(error) }, 'cannot start to run pods')
  })
  const detach = () => pods.detach()
  until.addEventListener('abort', detach, { once: true })
  return {
    nodeName,
    synced,
    findPod: (namespace, name) => pods.find(namespace, name),
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('the node agent stops'))
    },
  }
}

const hostVariables = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ']

function createContext(options: NodeAgentOptions, allocatable: Record<string, string>): AgentContext {
  const { client, informers, nodeName, plan, addresses, dirs, broker, images, events, clock, log, env } = options
  return {
    client,
    nodeName,
    plan,
    addresses,
    paths: clusterPaths(dirs.run),
    podsDir: dirs.pods,
    broker,
    images,
    clock,
    log: log.child({ node: nodeName }),
    events,
    objects: referencedObjects(options),
    services: informers.of(Service),
    podAddresses: openPodAddresses(addresses.podCidr, path.join(dirs.pods, `.next-address-${nodeName}`)),
    withdrawals: new RouteWithdrawals({ informers, nodeName, nowMs: clock.nowMs }),
    hostResolver: readHostResolver,
    hostEnv: hostVariables.flatMap((name) => (env[name] === undefined ? [] : [`${name}=${env[name]}`])),
    allocatable,
  }
}

/** From the cache; what is not there yet is asked for, because the pod may have come before it. */
function referencedObjects({ client, informers }: NodeAgentOptions): ReferencedObjects {
  const read =
    <T extends KubeObject>(kind: Kind<T>) =>
    async (namespace: string, name: string): Promise<T | undefined> => {
      const cached = informers.of(kind).get({ namespace, name })
      if (cached) return cached
      try {
        return await client.of(kind).get({ namespace, name })
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    }
  return { configMap: read(ConfigMap), secret: read(Secret) }
}

function readHostResolver(): ResolverConfig {
  try {
    return parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8'))
  } catch {
    return { nameservers: [], searches: [], options: [] }
  }
}

/** The pods of one node. */
class Pods {
  readonly #context: AgentContext
  readonly #signal: AbortSignal
  readonly #runners = new Map<string, PodRunner>()
  #saved = new Map<string, SavedPod>()

  constructor(context: AgentContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  async start(informers: NodeAgentOptions['informers']): Promise<void> {
    const { podsDir, nodeName, podAddresses, withdrawals } = this.#context
    this.#saved = new Map(readSavedPods(podsDir, nodeName).map((saved) => [saved.sandbox.uid, saved]))
    // Before anything new gets an address.
    for (const { sandbox } of this.#saved.values()) if (sandbox.ip !== undefined) podAddresses.adopt(sandbox.ip)
    const pods = informers.of(Pod)
    const configMaps = informers.of(ConfigMap)
    const secrets = informers.of(Secret)
    const caches = [pods, configMaps, secrets, informers.of(Service), withdrawals]
    await Promise.all(caches.map(({ synced }) => synced))
    if (this.#signal.aborted) return
    pods.onChange(({ before, after }) => this.#onPod(before, after))
    for (const saved of this.#saved.values()) this.#removeOrphan(saved)
    this.#saved.clear()
    configMaps.onChange(({ before, after }) => before && after && this.#onReferenced('ConfigMap', after))
    secrets.onChange(({ before, after }) => before && after && this.#onReferenced('Secret', after))
  }

  find(namespace: string, name: string): PodRunner | undefined {
    return [...this.#runners.values()].find(
      ({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name,
    )
  }

  detach(): void {
    for (const runner of this.#runners.values()) runner.detach()
  }

  #onPod(before: Pod | undefined, after: Pod | undefined): void {
    if (this.#signal.aborted) return
    // Deleted and made again under the same name while the watch was away.
    if (before?.metadata.uid !== after?.metadata.uid && before) this.#runners.get(before.metadata.uid ?? '')?.remove()
    if (!after || after.spec.nodeName !== this.#context.nodeName) return
    const uid = after.metadata.uid ?? ''
    const runner = this.#runners.get(uid)
    if (runner) runner.update(after)
    else this.#add(after)
  }

  #add(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    const saved = this.#saved.get(uid)
    this.#saved.delete(uid)
    const runner = new PodRunner(this.#context, pod, saved, () => this.#runners.delete(uid), this.#signal)
    this.#runners.set(uid, runner)
    runner.resume()
  }

  /** A pod that was deleted while no agent was there. */
  #removeOrphan(saved: SavedPod): void {
    const { uid, namespace, name, node } = saved.sandbox
    const containers = [...saved.containers.keys()].map((container) => ({ name: container }))
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, uid },
      spec: { containers, nodeName: node, ...(saved.sandbox.ip === undefined && { hostNetwork: true }) },
    } as Pod
    const runner = new PodRunner(this.#context, pod, saved, () => this.#runners.delete(uid), this.#signal)
    this.#runners.set(uid, runner)
    runner.remove()
  }

  #onReferenced(kind: 'ConfigMap' | 'Secret', object: KubeObject): void {
    for (const runner of this.#runners.values()) {
      if (runner.pod.metadata.namespace !== object.metadata.namespace) continue
      if (selectReferences(runner.pod, kind).has(object.metadata.name)) runner.refreshVolumes()
    }
  }
}
