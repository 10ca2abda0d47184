import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import { type SamplePod, samplePod, sampleService } from '../sample-objects.ts'
import { desiredEndpointsContent, endpointsDraft } from './desired-endpoints-object.ts'

const ports = [{ name: 'http', protocol: 'TCP' as const, port: 80, targetPort: 'web' }]
const web = (containerPort: number) => ({
  spec: { containers: [{ name: 'main', image: 'web', ports: [{ name: 'web', containerPort }] }] },
})
const service = (spec: Partial<Service['spec']> = {}, labels?: Record<string, string>): Service =>
  sampleService({ ports, ...spec }, { ...(labels && { labels }) })
const pod = (number: number, options: SamplePod = {}): Pod =>
  samplePod(`p${number}`, { ip: `10.1.${Math.floor(number / 250)}.${(number % 250) + 1}`, ...web(8080), ...options })
/** `ready/not ready` of each subset, by its port. */
const counts = (pods: readonly Pod[], spec?: Partial<Service['spec']>) =>
  desiredEndpointsContent(service(spec), pods).subsets.map(
    (subset) => `${subset.ports?.[0]?.port}: ${subset.addresses?.length ?? 0}/${subset.notReadyAddresses?.length ?? 0}`,
  )
const many = (count: number, from: number, options: SamplePod = {}) =>
  Array.from({ length: count }, (_, index) => pod(from + index, options))

describe('the Endpoints of a Service', () => {
  const other = web(8081)
  const notReady = { ready: false }
  const cases: readonly { name: string; pods: readonly Pod[]; spec?: Partial<Service['spec']>; expected: string[] }[] =
    [
      { name: 'nobody', pods: [], expected: [] },
      { name: 'ready and not ready', pods: [pod(1), pod(2, notReady)], expected: ['8080: 1/1'] },
      {
        name: 'not ready ones are ready where the Service says so',
        pods: [pod(1), pod(2, notReady)],
        spec: { publishNotReadyAddresses: true },
        expected: ['8080: 2/0'],
      },
      { name: 'those that go are left out', pods: [pod(1), pod(2, { deleting: true })], expected: ['8080: 1/0'] },
      {
        name: 'but stay where the Service says so',
        pods: [pod(2, { deleting: true })],
        spec: { publishNotReadyAddresses: true },
        expected: ['8080: 1/0'],
      },
      { name: 'those that have ended are none', pods: [pod(1, { phase: 'Failed' })], expected: [] },
      {
        name: 'other port numbers, another subset',
        pods: [pod(1), pod(2, other)],
        expected: ['8080: 1/0', '8081: 1/0'],
      },
      { name: 'a pod without the named port is none', pods: [samplePod('p', { ip: '10.1.0.9' })], expected: [] },
      { name: 'a thousand', pods: many(1000, 0), expected: ['8080: 1000/0'] },
      { name: 'more', pods: many(1001, 0), expected: ['8080: 1000/0'] },
      {
        name: 'ready ones first',
        pods: [...many(300, 0, notReady), ...many(900, 300)],
        expected: ['8080: 900/100'],
      },
      {
        name: 'each subset keeps its share',
        pods: [...many(900, 0), ...many(300, 900, other)],
        expected: ['8080: 750/0', '8081: 250/0'],
      },
      {
        name: 'each subset keeps its share of what is left for those that are not ready',
        pods: [...many(800, 0), ...many(300, 800, notReady), ...many(100, 1100, { ...other, ...notReady })],
        expected: ['8080: 800/150', '8081: 0/50'],
      },
    ]
  for (const { name, pods, spec, expected } of cases) {
    it(name, () => assert.deepEqual(counts(pods, spec), expected))
  }
})

describe('an Endpoints object', () => {
  const draft = (count: number, made: Service) => endpointsDraft(made, desiredEndpointsContent(made, many(count, 0)))

  it('says when it does not hold all', () => {
    const mark = { 'endpoints.kubernetes.io/over-capacity': 'truncated' }
    assert.deepEqual(draft(1001, service()).metadata.annotations, mark)
    assert.deepEqual(draft(1000, service()).metadata.annotations, {})
  })

  it('has the labels of the Service, and says who made it and whether there is a cluster IP', () => {
    const managed = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }
    const labels = { app: 'web', 'service.kubernetes.io/headless': 'x' }
    const headless = { 'service.kubernetes.io/headless': '' }
    assert.deepEqual(draft(0, service({ clusterIP: '10.96.0.9' }, labels)).metadata.labels, { app: 'web', ...managed })
    assert.deepEqual(draft(0, service({ clusterIP: 'None' }, labels)).metadata.labels, {
      app: 'web',
      ...managed,
      ...headless,
    })
  })
})
