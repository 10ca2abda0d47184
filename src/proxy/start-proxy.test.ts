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

  async verify(): Promise<boolean> {
    return false
  }

  async cleanup(): Promise<void> {}
}

function start(failures = 0) {
  const informers = new FakeInformers()
  const backend = new FakeBackend()
  backend.failures = failures
  const proxy = startProxy(
    {
      informers: informers.informers,
      nodeName: 'node-1',
      family: 'IPv4',
      backend,
      log: silentLog,
      verifyIntervalMs: 0,
    },
    new AbortController().signal,
  )
  return { informers, backend, proxy }
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
