/** How to reach a cluster: from kubeconfig files, or from inside a pod. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { ClusterAccess } from './cluster-access.ts'
import { mergeKubeconfigs, parseKubeconfig, selectContext } from './parse-kubeconfig.ts'

export interface ReadKubeconfigOptions {
  /** Files, the first one wins; for `$KUBECONFIG` split at `:`. Missing ones are passed over if another is there. */
  readonly paths: readonly string[]
  /** Absent: the current context. */
  readonly context?: string
}

export async function readKubeconfig({ paths, context }: ReadKubeconfigOptions): Promise<ClusterAccess> {
  const read = await Promise.all(paths.map(readIfThere))
  const files = read.filter((file) => file !== undefined)
  if (files.length === 0) throw new Error(`Cannot read a kubeconfig: there is no ${paths.join(' nor ')}`)
  const configs = files.map((file) => resolveFiles(parseKubeconfig(file.text, file.path), path.dirname(file.path)))
  const { cluster, user, namespace } = selectContext(mergeKubeconfigs(configs), context)

  const ca = await embeddedOrFile(cluster['certificate-authority-data'], cluster['certificate-authority'])
  const clientCertificate = await embeddedOrFile(user['client-certificate-data'], user['client-certificate'])
  const clientKey = await embeddedOrFile(user['client-key-data'], user['client-key'])
  const token = tokenSource(user.token, user.tokenFile)
  return {
    server: cluster.server,
    namespace,
    ...(ca !== undefined && { ca }),
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientKey !== undefined && { clientKey }),
    ...(token && { token }),
    ...(user.username && { basic: { username: user.username, password: user.password ?? '' } }),
    ...(cluster['insecure-skip-tls-verify'] && { skipTlsVerify: true }),
    ...(cluster['tls-server-name'] && { tlsServerName: cluster['tls-server-name'] }),
  }
}

const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/** What a pod's service account gives. @param environment has KUBERNETES_SERVICE_HOST and _PORT */
export async function readServiceAccount(
  environment: Readonly<Record<string, string | undefined>>,
  directory = serviceAccountDirectory,
): Promise<ClusterAccess> {
  const host = environment.KUBERNETES_SERVICE_HOST
  const port = environment.KUBERNETES_SERVICE_PORT
  if (!host || !port) throw new Error('Cannot find the cluster: KUBERNETES_SERVICE_HOST and _PORT are not set')
  const token = tokenSource(undefined, path.join(directory, 'token'))
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await readFile(path.join(directory, 'ca.crt'), 'utf8'),
    namespace: (await readIfThere(path.join(directory, 'namespace')))?.text.trim() ?? 'default',
    ...(token && { token }),
  }
}

async function readIfThere(file: string): Promise<{ path: string; text: string } | undefined> {
  try {
    return { path: file, text: await readFile(file, 'utf8') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Relative paths in a kubeconfig count from its own directory. */
function resolveFiles(config: ReturnType<typeof parseKubeconfig>, directory: string): typeof config {
  const absolute = <T extends object>(entry: T, keys: readonly (keyof T & string)[]): T => {
    const changed = keys.flatMap((key) => (entry[key] ? [[key, path.resolve(directory, String(entry[key]))]] : []))
    return { ...entry, ...Object.fromEntries(changed) }
  }
  return {
    ...config,
    clusters: config.clusters.map((c) => ({ ...c, cluster: absolute(c.cluster, ['certificate-authority']) })),
    users: config.users.map((u) => ({
      ...u,
      user: absolute(u.user, ['client-certificate', 'client-key', 'tokenFile']),
    })),
  }
}

async function embeddedOrFile(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data) return Buffer.from(data, 'base64').toString()
  return file ? readFile(file, 'utf8') : undefined
}

const tokenLifeMs = 60_000

/** A token in a file is read again every minute: it is replaced before it expires. */
function tokenSource(token: string | undefined, file: string | undefined): (() => Promise<string>) | undefined {
  if (!file) return token ? async () => token : undefined
  let known: { readonly text: string; readonly readMs: number } | undefined
  return async () => {
    if (!known || performance.now() - known.readMs > tokenLifeMs) {
      known = { text: (await readFile(file, 'utf8')).trim(), readMs: performance.now() }
    }
    return known.text
  }
}
