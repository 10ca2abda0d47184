/** Which requests are for streams of pods instead of stored objects. */
import type { RequestInfo, ResourceInfo } from '../request/parse-request-info.ts'

export type StreamKind = 'exec' | 'attach' | 'portforward' | 'log' | 'proxy'

const ofPods = new Set(['exec', 'attach', 'portforward', 'log', 'proxy'])

export function selectStream(
  info: RequestInfo,
): { readonly kind: StreamKind; readonly info: ResourceInfo } | undefined {
  if (info.type !== 'resource' || info.group !== '' || info.version !== 'v1' || !info.name || !info.subresource) {
    return undefined
  }
  const known =
    (info.resource === 'pods' && ofPods.has(info.subresource)) ||
    ((info.resource === 'services' || info.resource === 'nodes') && info.subresource === 'proxy')
  return known ? { kind: info.subresource as StreamKind, info } : undefined
}

/** Whoever may only read must not run commands: a WebSocket begins with GET, so these count as create always. */
export function accessInfo(kind: StreamKind, info: ResourceInfo): ResourceInfo {
  return kind === 'log' || kind === 'proxy' ? info : { ...info, verb: 'create' }
}
