/** Objects for tests of this room. */
import type { Endpoint, EndpointSlice } from '#api/endpoint-slice.ts'
import type { Service, ServiceSpec } from '#api/service.ts'
import type { NodeView } from './select-wishes.ts'

export interface Draft {
  readonly annotations?: Record<string, string>
  readonly spec?: ServiceSpec
  readonly status?: Service['status']
}

export const sampleService = (name: string, { annotations, spec, status }: Draft = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop', uid: name, ...(annotations && { annotations }) },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  ...(status && { status }),
})

export const sampleSlice = (endpoints: readonly Partial<Endpoint>[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'slice', namespace: 'shop' },
  addressType: 'IPv4',
  endpoints: endpoints.map((endpoint, index) => ({ addresses: [`10.0.0.${index}`], ...endpoint })),
  ports: [],
})

export const sampleNode = (number: number, takesTraffic = true): NodeView => ({
  name: `node-${number}`,
  internalIps: [`172.30.0.${10 + number}`, `fd00::${10 + number}`],
  takesTraffic,
})
