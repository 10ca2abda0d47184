/**
 * Services and their endpoints as a large cluster would have them, and as a client has them that has read them from an API
 * server: parsed. The same ones every time.
 */
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service } from '#api/service.ts'

export interface MadeService {
  service: Service
  slice: EndpointSlice
}

export const makeService = (index: number, endpointsEach: number): MadeService =>
  JSON.parse(JSON.stringify(describeService(index, endpointsEach))) as MadeService

function describeService(index: number, endpointsEach: number): MadeService {
  const name = `service-${index}`
  const metadata = { name, namespace: `ns-${index % 50}` }
  const clusterIP = `10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
  return {
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        clusterIP,
        clusterIPs: [clusterIP],
        type: 'ClusterIP',
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
        sessionAffinity: 'None',
      },
    },
    slice: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, name: `${name}-x`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: endpointsEach }, (_, each) => makeEndpoint(index * endpointsEach + each)),
    },
  }
}

/** Spread over five nodes, of which this is one. */
const makeEndpoint = (number: number) => ({
  addresses: [`10.244.${(number >> 8) & 255}.${number & 255}`],
  conditions: { ready: true, serving: true, terminating: false },
  nodeName: `node-${number % 5}`,
})
