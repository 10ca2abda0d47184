/** Many Services with hand-made EndpointSlices, through the API of a cluster. Nobody answers at their endpoints. */
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Namespace } from '#api/namespace.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'

const namespace = 'many'
const endpointsEach = 2
/** So many requests at a time. */
const clients = 64

export async function fillCluster(client: Client, services: number): Promise<void> {
  await client.of(Namespace).create({ metadata: { name: namespace }, spec: {} })
  let next = 0
  const work = async (): Promise<void> => {
    while (next < services) await createService(client, next++)
  }
  await Promise.all(Array.from({ length: clients }, work))
}

async function createService(client: Client, index: number): Promise<void> {
  const name = `service-${index}`
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }]
  await client.of(Service).create({ metadata: { name, namespace }, spec: { ports } })
  await client.of(EndpointSlice).create({
    metadata: { name: `${name}-x`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpointsEach }, (_, each) => ({
      addresses: [addressOf(index * endpointsEach + each)],
      conditions: { ready: true },
    })),
  })
}

/** Documentation and benchmarking ranges: no cluster uses them. */
const addressOf = (number: number): string => `198.${18 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
