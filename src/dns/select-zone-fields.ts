/** What answers are made from, without the rest of the objects: small enough to be handed to other threads. */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { KubeObject } from '#api/meta.ts'
import type { Namespace } from '#api/namespace.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'

export interface ZoneObjects {
  readonly Service: Service
  readonly EndpointSlice: EndpointSlice
  readonly Namespace: Namespace
  readonly Pod: Pod
}

export const selectZoneFields: { readonly [K in keyof ZoneObjects]: (object: ZoneObjects[K]) => ZoneObjects[K] } = {
  Service: ({ metadata, spec, ...rest }) => {
    const { type, clusterIP, clusterIPs, externalName, ports } = spec
    const kept = { type, clusterIP, clusterIPs, externalName, ports } as Service['spec']
    return { ...identityOf(rest), metadata: refOf(metadata), spec: kept }
  },
  EndpointSlice: ({ metadata, addressType, endpoints = [], ports, ...rest }) => {
    const service = metadata.labels?.['kubernetes.io/service-name']
    return {
      ...identityOf(rest),
      metadata: {
        ...refOf(metadata),
        ...(service !== undefined && { labels: { 'kubernetes.io/service-name': service } }),
      },
      addressType,
      endpoints: endpoints.map(({ addresses, conditions, hostname, zone }) => ({
        addresses,
        ...(conditions && { conditions }),
        ...(hostname !== undefined && { hostname }),
        ...(zone !== undefined && { zone }),
      })),
      ...(ports && { ports }),
    }
  },
  Namespace: ({ metadata, ...rest }) => ({ ...identityOf(rest), metadata: refOf(metadata), spec: {} }),
  Pod: ({ metadata, spec, status, ...rest }) => {
    const { dnsPolicy, dnsConfig, hostNetwork } = spec
    const { phase, podIP, podIPs } = status ?? {}
    const kept = {
      metadata: refOf(metadata),
      spec: { dnsPolicy, dnsConfig, hostNetwork },
      status: { phase, podIP, podIPs },
    }
    return { ...identityOf(rest), ...kept } as Pod
  },
}

function identityOf({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>) {
  return { apiVersion, kind }
}

function refOf({ name, namespace, uid }: KubeObject['metadata']): KubeObject['metadata'] {
  return { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) }
}
