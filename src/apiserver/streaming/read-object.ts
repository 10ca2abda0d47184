/** Objects that a stream needs to know, asked of the API in the server's own name. */
import type { KubeList, Status } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'
import type { ApiHandler, UserInfo } from '#api/wire.ts'

const serverUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

/** Throws what the API answers, for example 404 with its usual text. */
export async function readObject<T>(handle: ApiHandler, path: string, query = ''): Promise<T> {
  const answer = await handle({
    method: 'GET',
    path,
    query: new URLSearchParams(query),
    headers: { accept: 'application/json', 'user-agent': 'apiserver' },
    user: serverUser,
    signal: new AbortController().signal,
  })
  const value =
    answer.body?.type === 'bytes'
      ? JSON.parse(Buffer.from(answer.body.value).toString())
      : answer.body?.type === 'object' && answer.body.value
  if (answer.status >= 400) throw new StatusError(value as Status)
  return value as T
}

export async function readList<T>(handle: ApiHandler, path: string, labelSelector: string): Promise<readonly T[]> {
  const query = new URLSearchParams({ labelSelector }).toString()
  return (await readObject<KubeList<T>>(handle, path, query)).items
}

export function namespacedPath(plural: string, namespace: string, name?: string): string {
  const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${plural}`
  return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`
}
