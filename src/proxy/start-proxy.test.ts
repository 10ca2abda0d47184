import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { ChangeHandler, Informer } from '#client/contract.ts'
import type { Informers } from '#client/create-informers.ts'
import { silentLog } from '#observe/log.ts'
import type { DesiredRoutes, ProxyBackend } from './backend.ts'
import { startProxy } from './start-proxy.ts'
import { service, slice } from './suite/packet-case.ts'

/** Informers whose content the test decides. */
class FakeInformers {
  readonly #handlers = new Map<string, ChangeHandler<KubeObject>[]>()
  readonly #synced = new Map<string, PromiseWithResolvers<void>>()

  readonly informers = {
    of: (kind: Kind) => {
      const synced = this.#syncedOf(kind.kind).promise
      const onChange = (handler: ChangeHandler<KubeObject>) => {
        this.#handlers.set(kind.kind, [...(this.#handlers.get(kind.kind) ?? []), handler])
      }
      return { synced, onChange } as unknown as Informer<KubeObject>
    },
  } as unknown as Informers

  change(before: KubeObject | undefined, after: KubeObject | undefined): void {
    for (const handler of this.#handlers.get((after ?? before)!.kind) ?? []) handler({ before, after })
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

  async sync({ servicePorts }: DesiredRoutes, changed?: ReadonlySet<string>): Promise<void> {
    if (this.failures-- > 0) throw new Error('refused')
    const endpoints = Object.fromEntries([...servicePorts].map(([key, { cluster }]) => [key, cluster.length]))
    this.syncs.push({ endpoints, changed: changed ? [...changed] : 'any' })
  }

  setServiceCidrs(): void {}

  async verify(): Promise<boolean> {
    return false
  }

  async cleanup(): Promise<void> {}
}

function start(failures = 0) {
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

test('after a failure everything is written again', async () => {
  const { informers, backend, proxy } = start(1)
  await using _ = proxy
  informers.change(undefined, service())
  informers.finish('Service', 'EndpointSlice', 'Node')
  await proxy.synced
  assert.deepEqual(backend.syncs, [{ endpoints: { [web]: 0 }, changed: 'any' }])
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
