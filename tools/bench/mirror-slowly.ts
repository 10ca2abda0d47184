/**
 * The endpoints of the control of rollout.ts, kept from outside some time after its pods, as where rules follow pods late.
 * By itself the cluster takes leaving pods out of its rules before they close their door, even where it does not wait.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { EndpointSlice } from '#api/endpoint-slice.ts'
import { Pod } from '#api/pod.ts'
import type { Client } from '#client/contract.ts'
import { createInformers } from '#client/create-informers.ts'
import { type App, isReady, namespace, waitUntil } from './rollout-objects.ts'

/** Far less than published times from a pod's end to its rules: 1.5 s for half of them in a cluster of 100 nodes. */
const lagMs = 50

/** Of a Service without a selector. Ends with the signal. */
export async function mirrorSlowly(client: Client, app: App, signal: AbortSignal): Promise<void> {
  const { name, port } = app
  const ports = (['TCP', 'UDP'] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol, port }))
  const labels = { 'kubernetes.io/service-name': name }
  const metadata = { name: `${name}-mirrored`, namespace, labels }
  await client.of(EndpointSlice).create({ metadata, addressType: 'IPv4', ports, endpoints: [] })
  const pods = createInformers(client, signal).of(Pod)
  const endpoints = () =>
    pods
      .list(namespace)
      .filter((pod) => pod.metadata.labels?.['app'] === name && !pod.metadata.deletionTimestamp && isReady(pod))
      .map(({ status }) => ({ addresses: [status!.podIP!], conditions: { ready: true } }))
  const write = async (): Promise<void> => {
    await delay(lagMs)
    due = undefined
    // The API may be away, because it was killed.
    await waitUntil(`the endpoints of ${name}`, async () => {
      await client.of(EndpointSlice).patch(metadata, 'merge', { endpoints: endpoints() })
      return true
    })
  }
  let due: Promise<void> | undefined
  pods.onChange(({ before, after }) => {
    if (signal.aborted || (after ?? before)!.metadata.labels?.['app'] !== name) return
    due ??= write().catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  })
}
