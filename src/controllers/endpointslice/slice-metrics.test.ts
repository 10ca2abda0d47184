import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import { openMetrics } from '#observe/metrics.ts'
import { samplePod, sampleNode, sampleService } from '../sample-objects.ts'
import { desiredEndpoints } from './desired-endpoints.ts'
import { planSlices } from './plan-slices.ts'
import { sliceIdentity } from './slice-identity.ts'
import { createSliceMetrics } from './slice-metrics.ts'

const node = sampleNode('node-1')
const pods = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) =>
    samplePod(`web-${from + i}`, { ip: `10.0.1.${from + i}`, node: 'node-1' }),
  )

function sync(existing: EndpointSlice[], wanted: ReturnType<typeof pods>) {
  const service = sampleService()
  const desired = desiredEndpoints({ service, pods: wanted, findNode: () => node })
  return {
    service,
    existing,
    desired,
    plan: planSlices({ identity: sliceIdentity(service, undefined), existing, desired }),
  }
}

const store = ({ plan }: ReturnType<typeof sync>): EndpointSlice[] =>
  [...plan.create, ...plan.update].map((draft, index) => ({
    ...draft,
    metadata: { ...draft.metadata, name: draft.metadata.name || `web-${index}` },
  })) as EndpointSlice[]

test('the EndpointSlice controller counts endpoints, slices and writes', async () => {
  const metrics = await openMetrics()
  const own = createSliceMetrics(metrics)
  const first = sync([], pods(0, 150))
  own.synced('default/web', first)
  own.synced('default/web', sync(store(first), pods(10, 155)))
  own.failed()
  const { text } = await metrics.expose()
  const lines = text.split('\n')
  const prefix = 'endpoint_slice_controller_'
  for (const line of [
    `endpoints_desired 145`,
    `num_endpoint_slices 2`,
    `desired_endpoint_slices 2`,
    `changes{operation="create"} 2`,
    `syncs{result="success"} 2`,
    `syncs{result="error"} 1`,
    `endpoints_added_per_sync_sum 155`,
    `endpoints_removed_per_sync_sum 10`,
    `endpointslices_changed_per_sync_count{topology="Disabled",traffic_distribution=""} 2`,
    `services_count_by_traffic_distribution{traffic_distribution="PreferSameZone"} 0`,
  ]) {
    assert.ok(lines.includes(prefix + line), `${line} in\n${text}`)
  }
  own.forget('default/web')
  assert.match((await metrics.expose()).text, /^endpoint_slice_controller_endpoints_desired 0$/m)
})
