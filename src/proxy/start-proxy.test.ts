import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ChangeHandler, Informer } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { silentLog } from '#observe/log.ts'
import type { DesiredRoutes, ProxyBackend, RouteChange } from './backend.ts'
import { type ProxyDependencies, type ProxyObserver, startProxy, type UpcomingSlices } from './start-proxy.ts'
import { service, slice } from './suite/packet-case.ts'

/** Informers whose content the test decides. */
class FakeInformers {
  readonly #handlers = new Map<string, ChangeHandler<KubeObject>[]>()
  readonly #synced = new Map<string, PromiseWithResolvers<void>>()
  readonly #objects = new Map<string, KubeObject | undefined>()

  readonly informers = {
    of: (kind: Kind) => {
      const synced = this.#syncedOf(kind.kind).promise
      const onChange = (handler: ChangeHandler<KubeObject>) => {
        this.#handlers.set(kind.kind, [...(this.#handlers.get(kind.kind) ?? []), handler])
      }
      const get = ({ name }: { name: string }) => this.#objects.get(`${kind.kind}/${name}`)
      return { synced, onChange, get } as unknown as Informer<KubeObject>
    },
  } as unknown as Informers

  change(before: KubeObject | undefined, after: KubeObject | undefined): void {
    const { kind, metadata } = (after ?? before)!
    this.#objects.set(`${kind}/${metadata.name}`, after)
    for (const handler of this.#handlers.get(kind) ?? []) handler({ before, after })
  }

  finish(...kinds: string[]): void {
    for (const kind of kinds) this.#syncedOf(kind).resolve()
  }

  #syncedOf(kind: string): PromiseWithResolvers<void> {
    const known = this.#synced.get(kind) ?? Promise.withResolvers<void>()
    this.#synced.set(kind, known)
    return known
  }
}

/** A back end that writes down what it was asked for, and may refuse. */
class FakeBackend implements ProxyBackend {
  readonly syncs: { readonly endpoints: Record<string, number>; readonly changed: readonly string[] | 'any' }[] = []
  failures = 0

  async sync({ routes }: DesiredRoutes, changes?: Iterable<RouteChange>): Promise<void> {
    if (this.failures-- > 0) throw new Error('refused')
    const endpoints = Object.fromEntries([...routes].map(({ key, cluster }) => [key, cluster.length]))
    this.syncs.push({ endpoints, changed: changes ? [...changes].map(({ key }) => key) : 'any' })
  }

  readonly ranges: string[] = []
  setServiceCidrs(serviceCidrs: readonly string[]): void {
    this.ranges.push(serviceCidrs.join(' '))
  }

  async verify(): Promise<boolean> {
    return false
  }

  async cleanup(): Promise<void> {}
}

function start(failures = 0, more: Pick<ProxyDependencies, 'observers' | 'conntrack' | 'upcomingSlices'> = {}) {
  const informers = new FakeInformers()
  const backend = new FakeBackend()
  backend.failures = failures
  const published: number[] = []
  const proxy = startProxy(
    {
      informers: informers.informers,
      nodeName: 'node-1',
      family: 'IPv4',
      backend,
      publish: (version) => published.push(version),
      ...more,
      log: silentLog,
      verifyIntervalMs: 0,
    },
    new AbortController().signal,
  )
  return { informers, backend, proxy, published }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const web = 'default/web:http/TCP'

test('nothing is written before Services, EndpointSlices and Nodes are known', async () => {
  const { informers, backend, proxy } = start()
  await using _ = proxy
  informers.change(undefined, service())
  informers.finish('Service', 'Node')
  await turn()
  await turn()
  assert.deepEqual(backend.syncs, [])
  informers.change(undefined, slice({ endpoints: ['a1'] }))
  informers.finish('EndpointSlice')
  await proxy.synced
  assert.deepEqual(backend.syncs, [{ endpoints: { [web]: 1 }, changed: 'any' }])
})

test('the changes of one turn are one transaction, with the keys that changed', async () => {
  const { informers, backend, proxy } = start()
  await using _ = proxy
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.synced
  const [one, two] = [slice({ endpoints: ['a1'] }), slice({ endpoints: ['a1', 'b1'] })]
  informers.change(undefined, service())
  informers.change(undefined, one)
  informers.change(one, two)
  await proxy.settled()
  assert.deepEqual(backend.syncs.slice(1), [{ endpoints: { [web]: 2 }, changed: [web] }])
})

test('changed endpoints do not wait for the end of the turn', async () => {
  const { informers, backend, proxy } = start()
  await using _ = proxy
  informers.finish('Service', 'EndpointSlice', 'Node')
  informers.change(undefined, service())
  await proxy.settled()
  informers.change(undefined, slice({ endpoints: ['a1'] }))
  await Promise.resolve()
  assert.deepEqual(
    backend.syncs.map(({ endpoints }) => endpoints),
    [{ [web]: 0 }, { [web]: 1 }],
  )
})

test('after a failure everything is written again', async () => {
  const { informers, backend, proxy } = start(1)
  await using _ = proxy
  informers.change(undefined, service())
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.synced
  assert.deepEqual(backend.syncs, [{ endpoints: { [web]: 0 }, changed: 'any' }])
})

test('flows that cannot be looked at are looked at again, all of them', async () => {
  const looks: ('all' | 'changes')[] = []
  const conntrack = {
    setServiceCidrs: () => {},
    reconcile: (_desired: DesiredRoutes, changes?: Iterable<RouteChange>): number => {
      looks.push(changes ? 'changes' : 'all')
      if (looks.length === 2) throw new Error('the table changed during the dump')
      return 0
    },
  }
  const { informers, backend, proxy } = start(0, { conntrack })
  await using _ = proxy
  informers.finish('Service', 'EndpointSlice', 'Node')
  informers.change(undefined, service())
  await proxy.settled()
  informers.change(undefined, slice({ endpoints: ['a1'] }))
  await proxy.settled()
  assert.deepEqual(looks, ['all', 'changes', 'all'])
  assert.deepEqual(backend.syncs.at(-1), { endpoints: { [web]: 1 }, changed: 'any' })
})

test('ended: no more writing, nobody waits', async () => {
  const { informers, backend, proxy } = start()
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.synced
  await proxy[Symbol.asyncDispose]()
  informers.change(undefined, service())
  await turn()
  await turn()
  assert.equal(backend.syncs.length, 1)
})

test('versions are told at first and when pods leave, also those of other proxies, and only once in the kernel', async () => {
  const { informers, backend, proxy, published } = start()
  await using _ = proxy
  const version = (resourceVersion: number, pods: Readonly<Record<string, boolean>>, labels = {}): KubeObject => {
    const base = slice({ endpoints: [] })
    const endpoints = Object.entries(pods).map(([uid, terminating]) => ({
      addresses: ['10.0.0.1'],
      conditions: { ready: !terminating, serving: true, terminating },
      targetRef: { kind: 'Pod', uid },
    }))
    const metadata = { ...base.metadata, resourceVersion: String(resourceVersion) }
    return { ...base, metadata: { ...metadata, labels: { ...metadata.labels, ...labels } }, endpoints } as KubeObject
  }
  informers.change(undefined, service())
  informers.change(undefined, version(3, { a: false }))
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.synced
  assert.deepEqual(published, [3])
  informers.change(version(3, { a: false }), version(4, { a: false, b: false }))
  await proxy.settled()
  assert.deepEqual(published, [3], 'nobody left')
  backend.failures = 1
  informers.change(version(4, { a: false, b: false }), version(5, { a: true, b: false }))
  await turn()
  await turn()
  assert.deepEqual(published, [3], 'the kernel refused')
  await proxy.settled()
  assert.deepEqual(published, [3, 5])
  informers.change(version(5, { a: true, b: false }), version(6, { b: false }))
  await proxy.settled()
  assert.deepEqual(published, [3, 5], 'that one had left before')
  const headless = { 'service.kubernetes.io/headless': '' }
  informers.change(undefined, version(7, { c: false }, headless))
  informers.change(version(7, { c: false }, headless), version(8, {}, headless))
  await turn()
  await turn()
  assert.deepEqual(published, [3, 5, 8])
})

/** What observers are told, in order. */
class Told implements ProxyObserver {
  readonly all: string[] = []
  queued(kind?: string, triggerTime?: string): void {
    this.all.push(['queued', kind, triggerTime].filter((part) => part !== undefined).join(' '))
  }
  collecting(): void {
    this.all.push('collecting')
  }
  synced(): void {
    this.all.push('synced')
  }
  unchanged(): void {
    if (this.all.at(-1) !== 'unchanged') this.all.push('unchanged')
  }
  failed(): void {
    this.all.push('failed')
  }
}

test('whoever watches learns that a change was written, was not for this proxy, or failed', async () => {
  const told = new Told()
  const { informers, backend, proxy } = start(0, { observers: [told] })
  await using _ = proxy
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.synced
  await turn()
  assert.deepEqual(told.all.splice(0), ['collecting', 'synced', 'unchanged'])
  informers.change(undefined, slice({ endpoints: [], labels: { 'service.kubernetes.io/headless': '' } }))
  assert.deepEqual(told.all.splice(0), ['queued endpoints', 'unchanged'], 'a slice of a headless Service')
  const headless = service({ name: 'db', clusterIP: 'None' })
  informers.change(undefined, headless)
  await turn()
  await turn()
  assert.deepEqual(told.all.splice(0), ['queued service', 'collecting', 'unchanged'], 'a headless Service')
  backend.failures = 1
  informers.change(undefined, service())
  await turn()
  await turn()
  assert.deepEqual(told.all.splice(0), ['queued service', 'collecting', 'failed'])
  await proxy.settled()
  assert.deepEqual(told.all.splice(0), ['collecting', 'synced', 'unchanged'])
})

test('when a slice was triggered is told once, not again with other changes', async () => {
  const told = new Told()
  const { informers, proxy } = start(0, { observers: [told] })
  await using _ = proxy
  informers.finish('Service', 'EndpointSlice', 'Node')
  const triggered = (annotations: Record<string, string>, addressType = 'IPv4') => {
    const base = slice({ endpoints: ['a1'] })
    return { ...base, addressType, metadata: { ...base.metadata, annotations } } as KubeObject
  }
  const time = { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' }
  informers.change(undefined, triggered(time))
  informers.change(triggered(time), triggered({ ...time, other: 'x' }))
  informers.change(undefined, triggered(time, 'IPv6'))
  assert.deepEqual(
    told.all.filter((text) => text.startsWith('queued')),
    ['queued endpoints 2026-01-01T00:00:00Z', 'queued endpoints', 'queued endpoints'],
  )
})

test('ServiceCIDR objects: their ranges of the family, beside the configured ones, reach the back end', async () => {
  const { informers, backend, proxy } = start()
  await using _ = proxy
  const range = (name: string, ...cidrs: string[]) =>
    ({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } }) as KubeObject
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.synced
  assert.deepEqual(backend.ranges, [])
  informers.change(undefined, range('kubernetes', '10.96.0.0/16', 'fd00:96::/108'))
  await proxy.settled()
  informers.change(undefined, range('more', '10.97.0.0/16'))
  await proxy.settled()
  informers.change(range('more', '10.97.0.0/16'), undefined)
  await proxy.settled()
  assert.deepEqual(backend.ranges, ['10.96.0.0/16', '10.96.0.0/16 10.97.0.0/16', '10.96.0.0/16'])
  informers.change(range('kubernetes', '10.96.0.0/16'), range('kubernetes', '10.96.0.0/16'))
  await proxy.settled()
  assert.equal(backend.ranges.length, 3, 'nothing new')
})

/** A slice as it is on its way to the disk, and with the version at which it is stored there. */
function withVersion(resourceVersion: number, pods: readonly string[]): EndpointSlice {
  const base = slice({ endpoints: [] })
  const endpoints = pods.map((uid) => ({ addresses: [`10.0.0.${uid}`], targetRef: { kind: 'Pod', uid } }))
  return { ...base, metadata: { ...base.metadata, resourceVersion: String(resourceVersion) }, endpoints }
}

async function startEarly() {
  let give: Parameters<UpcomingSlices>[0] = () => {}
  const started = start(0, { upcomingSlices: (listener) => (give = listener) })
  const { informers, proxy } = started
  informers.change(undefined, service())
  informers.change(undefined, withVersion(3, ['1']))
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.settled()
  const { promise: settled, resolve: stored, reject: failed } = Promise.withResolvers<void>()
  return { ...started, give: (version: number, early: EndpointSlice) => give(early, version, settled), stored, failed }
}

test('endpoints on their way to the disk are routed, and not again when they are stored', async () => {
  const { informers, backend, proxy, give, stored } = await startEarly()
  await using _ = proxy
  const early = withVersion(5, ['1', '2'])
  give(5, early)
  await Promise.resolve()
  assert.deepEqual(backend.syncs.at(-1), { endpoints: { [web]: 2 }, changed: [web] })
  informers.change(withVersion(3, ['1']), early)
  stored()
  await turn()
  await turn()
  await proxy.settled()
  assert.equal(backend.syncs.length, 2)
})

test('that pods have left is told when it is stored, not when it is on its way', async () => {
  const { informers, backend, proxy, published, give } = await startEarly()
  await using _ = proxy
  const early = withVersion(5, [])
  give(5, early)
  await turn()
  await proxy.settled()
  assert.deepEqual([backend.syncs.at(-1)?.endpoints, published], [{ [web]: 0 }, [3]])
  informers.change(withVersion(3, ['1']), early)
  await proxy.settled()
  await turn()
  assert.deepEqual(published, [3, 5])
})

test('what was not stored is taken back', async () => {
  const { backend, proxy, give, failed } = await startEarly()
  await using _ = proxy
  give(5, withVersion(5, ['1', '2']))
  await turn()
  failed()
  await turn()
  await turn()
  await proxy.settled()
  assert.deepEqual(
    backend.syncs.map(({ endpoints }) => endpoints[web]),
    [1, 2, 1],
  )
})

test('older news do not undo what is on its way', async () => {
  const { informers, backend, proxy, give } = await startEarly()
  await using _ = proxy
  give(5, withVersion(5, ['1', '2', '3']))
  informers.change(withVersion(3, ['1']), withVersion(4, ['1', '2']))
  await turn()
  await proxy.settled()
  assert.deepEqual(
    backend.syncs.map(({ endpoints }) => endpoints[web]),
    [1, 3],
  )
})
