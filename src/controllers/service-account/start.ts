/** Gives every namespace its ServiceAccount `default` and the ConfigMap `kube-root-ca.crt`. */
import { ConfigMap } from '#api/config-map.ts'
import { Namespace } from '#api/namespace.ts'
import { ServiceAccount } from '#api/service-account.ts'
import { isAlreadyExists, isForbidden, isNotFound } from '#api/status-error.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { keyOf } from '../object-key.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'

const accountName = 'default'
const configMapName = 'kube-root-ca.crt'
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the ' +
    'internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes ' +
    'clusters.',
}

export interface ServiceAccountOptions {
  /** PEM text of the CA that pods verify the API server by. */
  readonly rootCa: string
}

export function startServiceAccountController(
  deps: ControllerDeps,
  { rootCa }: ServiceAccountOptions,
  signal: AbortSignal,
): Controller {
  const name = 'service-account'
  const namespaces = deps.informers.of(Namespace)
  const accounts = openResource(deps, ServiceAccount, signal)
  const configMaps = openResource(deps, ConfigMap, signal)

  const reconcile = async (namespace: string) => {
    const { metadata } = namespaces.get({ name: namespace }) ?? {}
    if (!metadata || metadata.deletionTimestamp) return
    await Promise.all([ensureAccount(namespace), ensureRootCa(namespace)])
  }
  const ensureAccount = async (namespace: string) => {
    if (accounts.cache.get({ namespace, name: accountName })) return
    await ignoreRace(accounts.create({ metadata: { namespace, name: accountName } }))
  }
  const ensureRootCa = async (namespace: string) => {
    const data = { 'ca.crt': rootCa }
    const existing = configMaps.cache.get({ namespace, name: configMapName })
    if (!existing)
      await ignoreRace(configMaps.create({ metadata: { namespace, name: configMapName, annotations }, data }))
    else if (!isEqualJson(existing.data, data)) await ignoreRace(configMaps.update({ ...existing, data }))
  }

  const caches = [namespaces, accounts.cache, configMaps.cache]
  const queue = startQueue(deps, { name, reconcile, caches }, signal)
  namespaces.onChange(({ after }) => after && queue.add(keyOf(after)))
  for (const [cache, wanted] of [
    [accounts.cache, accountName],
    [configMaps.cache, configMapName],
  ] as const) {
    cache.onChange(({ before, after }) => {
      const { namespace, name: changed } = (after ?? before)!.metadata
      if (changed === wanted && namespace !== undefined) queue.add(namespace)
    })
  }
  return { name, idle: () => queue.idle() }
}

/** Somebody was faster, or the namespace is on its way out. */
async function ignoreRace(writing: Promise<unknown>): Promise<void> {
  try {
    await writing
  } catch (error) {
    if (!isAlreadyExists(error) && !isForbidden(error) && !isNotFound(error)) throw error
  }
}
