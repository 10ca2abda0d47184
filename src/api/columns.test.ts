import assert from 'node:assert/strict'
import { test } from 'node:test'
import { humanDuration } from './human-duration.ts'
import { findKind, kinds } from './registry.ts'

const nowMs = Date.parse('2026-11-20T12:00:00Z')
const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-11-20T11:00:00Z' }

const running = (name: string, ready = true) => ({
  name,
  ready,
  restartCount: 0,
  image: '',
  imageID: '',
  state: { running: {} },
})
const ended = (name: string, end: object, rest: object = {}) => ({
  ...running(name, false),
  state: { terminated: end },
  ...rest,
})
const waiting = (name: string, reason: string) => ({ ...running(name, false), state: { waiting: { reason } } })
const podSpec = { containers: [{ name: 'a' }, { name: 'b' }], nodeName: 'node-1' }
const template = { spec: { containers: [{ name: 'c', image: 'nginx' }] } }
const selector = { matchLabels: { app: 'a' } }

interface Case {
  readonly name: string
  readonly apiVersion?: string
  readonly kind: string
  readonly fields: object
  readonly cells: readonly (string | number | boolean)[]
}

const podCase = (
  name: string,
  status: object,
  ready: string,
  text: string,
  restarts = '0',
  rest: object = {},
): Case => ({
  name,
  kind: 'Pod',
  fields: { spec: podSpec, status, ...rest },
  cells: ['x', ready, text, restarts, '60m', '<none>', 'node-1', '<none>', '<none>'],
})

const cases: readonly Case[] = [
  podCase('running', { phase: 'Running', containerStatuses: [running('a'), running('b')] }, '2/2', 'Running'),
  podCase(
    'crashing',
    {
      phase: 'Running',
      containerStatuses: [
        running('a'),
        {
          ...waiting('b', 'CrashLoopBackOff'),
          restartCount: 3,
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-11-20T11:59:30Z' } },
        },
      ],
    },
    '1/2',
    'CrashLoopBackOff',
    '3 (30s ago)',
  ),
  podCase(
    'pulling fails',
    { phase: 'Pending', containerStatuses: [waiting('a', 'ErrImagePull')] },
    '0/2',
    'ErrImagePull',
  ),
  podCase(
    'ended by a code',
    { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 3 })] },
    '0/2',
    'ExitCode:3',
  ),
  podCase(
    'completed beside a running one',
    { phase: 'Running', containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' }), running('b')] },
    '1/2',
    'NotReady',
  ),
  podCase('going', { phase: 'Running' }, '0/2', 'Terminating', '0', {
    metadata: { ...metadata, deletionTimestamp: '2026-11-20T12:00:30Z' },
  }),
  podCase('initializing', { phase: 'Pending', initContainerStatuses: [running('i', false)] }, '0/2', 'Init:0/1', '0', {
    spec: { ...podSpec, initContainers: [{ name: 'i' }] },
  }),
  podCase(
    'initialization failed',
    { phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 2, reason: 'Error' })] },
    '0/2',
    'Init:Error',
    '0',
    { spec: { ...podSpec, initContainers: [{ name: 'i' }] } },
  ),
  {
    name: 'a ClusterIP',
    kind: 'Service',
    fields: {
      spec: {
        type: 'ClusterIP',
        clusterIPs: ['10.96.0.1'],
        ports: [{ port: 80, protocol: 'TCP' }],
        selector: { b: '2', a: '1' },
      },
    },
    cells: ['x', 'ClusterIP', '10.96.0.1', '<none>', '80/TCP', '60m', 'a=1,b=2'],
  },
  {
    name: 'a waiting load balancer',
    kind: 'Service',
    fields: {
      spec: {
        type: 'LoadBalancer',
        clusterIPs: ['10.96.0.1'],
        ports: [
          { port: 80, nodePort: 30080 },
          { port: 53, protocol: 'UDP' },
        ],
      },
    },
    cells: ['x', 'LoadBalancer', '10.96.0.1', '<pending>', '80:30080/TCP,53/UDP', '60m', '<none>'],
  },
  {
    name: 'a served load balancer',
    kind: 'Service',
    fields: {
      spec: { type: 'LoadBalancer', externalIPs: ['192.0.2.9'] },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.2' }, { hostname: 'a.example' }] } },
    },
    cells: ['x', 'LoadBalancer', '<none>', '192.0.2.2,a.example,192.0.2.9', '<none>', '60m', '<none>'],
  },
  {
    name: 'an external name',
    kind: 'Service',
    fields: { spec: { type: 'ExternalName', externalName: 'a.example' } },
    cells: ['x', 'ExternalName', '<none>', 'a.example', '<none>', '60m', '<none>'],
  },
  {
    name: 'many',
    kind: 'Endpoints',
    fields: { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 80 }, { port: 81 }] }] },
    cells: ['x', '10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...', '60m'],
  },
  {
    name: 'some',
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    fields: { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }, {}] },
    cells: ['x', 'IPv4', '80,*', '10.0.0.1', '60m'],
  },
  {
    name: 'nothing',
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    fields: { addressType: 'IPv4' },
    cells: ['x', 'IPv4', '<unset>', '<unset>', '60m'],
  },
  {
    name: 'half ready',
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    fields: {
      spec: { replicas: 2, selector, template },
      status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 },
    },
    cells: ['x', '1/2', 2, 1, '60m', 'c', 'nginx', 'app=a'],
  },
  {
    name: 'new',
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    fields: { spec: { selector, template } },
    cells: ['x', 0, 0, 0, 0, 0, '<none>', '60m', 'c', 'nginx', 'app=a'],
  },
  {
    name: 'ready but closed',
    kind: 'Node',
    fields: {
      metadata: {
        ...metadata,
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '172.30.0.10' }],
        nodeInfo: { kubeletVersion: 'v1.36.0' },
      },
    },
    cells: [
      'x',
      'Ready,SchedulingDisabled',
      'control-plane,worker',
      '60m',
      'v1.36.0',
      '172.30.0.10',
      '<none>',
      '<unknown>',
      '<unknown>',
      '<unknown>',
    ],
  },
  {
    name: 'often seen',
    kind: 'Event',
    fields: {
      involvedObject: { kind: 'Pod', name: 'p' },
      type: 'Normal',
      reason: 'Started',
      message: 'Started container \n',
      count: 3,
      firstTimestamp: '2026-11-20T11:50:00Z',
      lastTimestamp: '2026-11-20T11:59:00Z',
      source: { component: 'kubelet', host: 'node-1' },
    },
    cells: ['60s', 'Normal', 'Started', 'pod/p', '', 'kubelet, node-1', 'Started container', '10m', 3, 'x'],
  },
  {
    name: 'of a Service',
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    fields: { spec: { parentRef: { group: '', resource: 'services', namespace: 'default', name: 'web' } } },
    cells: ['x', 'services/default/web', '60m'],
  },
]

for (const { name, apiVersion = 'v1', kind: kindName, fields, cells } of cases) {
  test(`${kindName} in a table: ${name}`, () => {
    const kind = findKind(apiVersion, kindName)
    assert.ok(kind)
    const object = { apiVersion, kind: kindName, metadata, ...fields }
    const found = kind.columns.map((column) => column.cell(object as never, nowMs))
    assert.deepEqual(found, cells)
  })
}

test('every kind shows an object that says nothing but its name', () => {
  const spec = { containers: [], template: { spec: {} }, jobTemplate: {} }
  const bare = { apiVersion: 'v1', metadata: { name: 'x' }, spec, involvedObject: {}, template: { spec: {} } }
  for (const kind of kinds) {
    for (const column of kind.columns) assert.doesNotThrow(() => column.cell(bare as never, nowMs), kind.kind)
  }
})

const durations: readonly [seconds: number, text: string][] = [
  [-2, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [125, '2m5s'],
  [600, '10m'],
  [3 * 3600 - 1, '179m'],
  [3 * 3600, '3h'],
  [3 * 3600 + 60, '3h1m'],
  [8 * 3600 + 60, '8h'],
  [47 * 3600, '47h'],
  [48 * 3600, '2d'],
  [49 * 3600, '2d1h'],
  [8 * 86400 + 3600, '8d'],
  [729 * 86400, '729d'],
  [730 * 86400, '2y'],
  [731 * 86400, '2y1d'],
  [8 * 365 * 86400 + 86400, '8y'],
]
for (const [seconds, text] of durations) {
  test(`${seconds} s are ${text}`, () => assert.equal(humanDuration(seconds * 1000), text))
}
