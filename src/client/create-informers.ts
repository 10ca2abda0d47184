/** One informer per kind for a whole process, started when first asked for. */
import { resourceName } from '#api/kind.ts'
import type { Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Client, Informer } from './contract.ts'
import { startInformer } from './start-informer.ts'
import type { StartInformerOptions } from './start-informer.ts'

export interface Informers extends AsyncDisposable {
  /** The shared informer of a kind: all namespaces, no selector, without managedFields. */
  of<T extends KubeObject>(kind: Kind<T>): Informer<T>
  /** Resolves when every informer asked for so far is synced. */
  readonly synced: Promise<void>
}

export function createInformers(
  client: Client,
  signal: AbortSignal,
  options: Pick<StartInformerOptions, 'log' | 'random'> = {},
): Informers {
  const informers = new Map<string, Informer<KubeObject>>()
  return {
    of: <T extends KubeObject>(kind: Kind<T>) => {
      const id = `${resourceName(kind)}/${kind.version}`
      let informer = informers.get(id) as Informer<T> | undefined
      if (!informer) {
        informer = startInformer(client, kind, { ...options, transform: dropManagedFields as never }, signal)
        informers.set(id, informer as unknown as Informer<KubeObject>)
      }
      return informer
    },
    get synced() {
      return Promise.all([...informers.values()].map((informer) => informer.synced)).then(() => {})
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...informers.values()].map((informer) => informer[Symbol.asyncDispose]()))
    },
  }
}

/** No component reads them, and they are often half of an object. */
function dropManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object
  const { managedFields: _dropped, ...metadata } = object.metadata
  return { ...object, metadata }
}
