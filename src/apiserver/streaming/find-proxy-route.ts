/** From the URL of a proxied request to the pod that answers it. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import type { ApiHandler } from '#api/wire.ts'
import { badRequest } from '../api-errors.ts'
import type { ResourceInfo } from '../request/parse-request-info.ts'
import { parseProxyTarget, splitProxyPath } from './parse-proxy-target.ts'
import { namespacedPath, readList, readObject } from './read-object.ts'
import { selectEndpoint, selectPodPort, unavailable } from './select-endpoint.ts'
import type { ProxyRoute } from './serve-proxy.ts'

export async function findProxyRoute(handle: ApiHandler, info: ResourceInfo, path: string): Promise<ProxyRoute> {
  const { namespace = '', name = '' } = info
  const kind = info.resource.slice(0, -1)
  if (kind === 'node') throw unavailable(`no port of node ${JSON.stringify(name)} can be reached: nodes serve no HTTP`)
  const target = parseProxyTarget(name)
  if (!target) throw badRequest(`invalid ${kind} request ${JSON.stringify(name)}`)
  // /api/v1/namespaces/NS/pods/NAME/proxy
  const proxied = { ...splitProxyPath(path, 6), scheme: target.scheme }
  if (kind === 'pod') {
    const pod = await readObject<Pod>(handle, namespacedPath('pods', namespace, target.name))
    return { ...proxied, namespace, pod: target.name, port: selectPodPort(pod, target.port, target.scheme) }
  }
  const service = await readObject<Service>(handle, namespacedPath('services', namespace, target.name))
  const slices = await readList<EndpointSlice>(
    handle,
    `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`,
    `kubernetes.io/service-name=${target.name}`,
  )
  return { ...proxied, ...selectEndpoint(service, slices, target.port, Math.random()) }
}
