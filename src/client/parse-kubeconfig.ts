/** kubeconfig files as values: what the text says, several files put together, and what one context means. */
import { load } from 'js-yaml'

interface Named {
  readonly name: string
}
export interface KubeconfigCluster extends Named {
  readonly cluster: {
    readonly server?: string
    readonly 'certificate-authority'?: string
    readonly 'certificate-authority-data'?: string
    readonly 'insecure-skip-tls-verify'?: boolean
    readonly 'tls-server-name'?: string
  }
}
export interface KubeconfigUser extends Named {
  readonly user: {
    readonly 'client-certificate'?: string
    readonly 'client-certificate-data'?: string
    readonly 'client-key'?: string
    readonly 'client-key-data'?: string
    readonly token?: string
    readonly tokenFile?: string
    readonly username?: string
    readonly password?: string
    readonly exec?: object
    readonly 'auth-provider'?: object
  }
}
export interface KubeconfigContext extends Named {
  readonly context: { readonly cluster: string; readonly user?: string; readonly namespace?: string }
}
export interface Kubeconfig {
  readonly 'current-context'?: string
  readonly clusters: readonly KubeconfigCluster[]
  readonly users: readonly KubeconfigUser[]
  readonly contexts: readonly KubeconfigContext[]
}

/** @param where names the text in errors: its path */
export function parseKubeconfig(text: string, where: string): Kubeconfig {
  const value: unknown = text.trim() === '' ? {} : load(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`Cannot read ${where}: it is not a kubeconfig`)
  const { clusters, users, contexts, ...rest } = value as Partial<Kubeconfig>
  return { ...rest, clusters: clusters ?? [], users: users ?? [], contexts: contexts ?? [] }
}

/** The first file that names something wins, as in kubectl. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const current = configs.map((config) => config['current-context']).find(Boolean)
  return {
    ...(current !== undefined && { 'current-context': current }),
    clusters: configs.flatMap((config) => config.clusters),
    users: configs.flatMap((config) => config.users),
    contexts: configs.flatMap((config) => config.contexts),
  }
}

export interface SelectedContext {
  readonly cluster: KubeconfigCluster['cluster'] & { readonly server: string }
  readonly user: KubeconfigUser['user']
  readonly namespace: string
}

/** @param name absent: the current context */
export function selectContext(config: Kubeconfig, name?: string): SelectedContext {
  const wanted = name ?? config['current-context']
  if (!wanted) throw new Error('Cannot select a context: the kubeconfig names no current-context')
  const context = byName(config.contexts, wanted, 'context').context
  const { cluster } = byName(config.clusters, context.cluster, 'cluster')
  const user = context.user ? byName(config.users, context.user, 'user').user : {}
  if (!cluster.server) throw new Error(`Cannot use context ${wanted}: its cluster has no server`)
  if (user.exec || user['auth-provider']) {
    throw new Error(`Cannot use context ${wanted}: its user logs in through a plug-in command, which is not supported`)
  }
  return { cluster: { ...cluster, server: cluster.server }, user, namespace: context.namespace ?? 'default' }
}

function byName<T extends Named>(entries: readonly T[], name: string, what: string): T {
  const entry = entries.find((candidate) => candidate.name === name)
  if (!entry) throw new Error(`Cannot select ${what} ${name}: the kubeconfig has no such ${what}`)
  return entry
}
