import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '#api/pod.ts'
import { newRecord, type ContainerInstance, type ContainerRecord } from './container-record.ts'
import { renderPodStatus } from './render-pod-status.ts'

const now = Date.parse('2026-01-02T03:04:05Z')
const base = { id: 'abc', image: 'i', imageId: 'i@1', startedAtMs: now, uid: 0, gid: 0, groups: [], attempt: 0 }
const live = base as unknown as ContainerInstance
const ended = (exitCode: number) =>
  ({
    ...base,
    exit: { exitCode, finishedAtMs: now, reason: exitCode === 0 ? 'Completed' : 'Error' },
  }) as unknown as ContainerInstance
const record = (name: string, changes: Partial<ContainerRecord>): ContainerRecord => ({
  ...newRecord(name),
  ...changes,
})
const up = { current: live, probedStarted: true, probedReady: true }

interface Case {
  readonly name: string
  readonly spec?: object
  readonly records?: readonly ContainerRecord[]
  readonly initialized?: boolean
  readonly phase: string
  readonly ready: string
  readonly reason?: string
  readonly state: string
}

const cases: readonly Case[] = [
  {
    name: 'nothing has begun',
    phase: 'Pending',
    ready: 'False',
    reason: 'ContainersNotReady',
    state: 'ContainerCreating',
  },
  { name: 'running and ready', records: [record('a', up)], phase: 'Running', ready: 'True', state: 'running' },
  {
    name: 'running, not yet ready',
    records: [record('a', { ...up, probedReady: false })],
    phase: 'Running',
    ready: 'False',
    reason: 'ContainersNotReady',
    state: 'running',
  },
  {
    name: 'the image cannot be had',
    records: [record('a', { waiting: { reason: 'ImagePullBackOff' } })],
    phase: 'Pending',
    ready: 'False',
    reason: 'ContainersNotReady',
    state: 'ImagePullBackOff',
  },
  {
    name: 'crashed, waiting to start again',
    records: [record('a', { current: ended(1), waiting: { reason: 'CrashLoopBackOff' } })],
    phase: 'Running',
    ready: 'False',
    reason: 'ContainersNotReady',
    state: 'CrashLoopBackOff',
  },
  {
    name: 'ended well for good',
    spec: { restartPolicy: 'Never' },
    records: [record('a', { current: ended(0) })],
    phase: 'Succeeded',
    ready: 'False',
    reason: 'PodCompleted',
    state: 'Completed',
  },
  {
    name: 'failed for good',
    spec: { restartPolicy: 'Never' },
    records: [record('a', { current: ended(3) })],
    phase: 'Failed',
    ready: 'False',
    reason: 'PodFailed',
    state: 'Error',
  },
  {
    name: 'initializing',
    spec: { initContainers: [{ name: 'i' }] },
    records: [record('i', up)],
    phase: 'Pending',
    ready: 'False',
    reason: 'ContainersNotReady',
    state: 'PodInitializing',
  },
  {
    name: 'initialization failed for good',
    spec: { initContainers: [{ name: 'i' }], restartPolicy: 'Never' },
    records: [record('i', { current: ended(1) })],
    phase: 'Failed',
    ready: 'False',
    reason: 'PodFailed',
    state: 'PodInitializing',
  },
  {
    name: 'initialized long ago',
    spec: { initContainers: [{ name: 'i' }] },
    records: [record('i', { current: ended(0) }), record('a', up)],
    initialized: true,
    phase: 'Running',
    ready: 'True',
    state: 'running',
  },
]

for (const { name, spec, records = [], initialized = false, phase, ready, reason, state } of cases) {
  test(name, () => {
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'a' }], ...spec } } as unknown as Pod
    const all = new Map(records.map((entry) => [entry.name, entry]))
    const status = renderPodStatus(
      {
        pod,
        records: all,
        sandboxReady: true,
        initialized,
        podIps: ['10.1.1.2'],
        hostIps: ['172.30.0.11'],
        startedAtMs: now,
      },
      now,
    )
    assert.equal(status.phase, phase)
    const condition = status.conditions?.find(({ type }) => type === 'Ready')
    assert.deepEqual([condition?.status, condition?.reason], [ready, reason])
    const shown = status.containerStatuses?.[0]?.state
    assert.equal(shown?.waiting?.reason ?? shown?.terminated?.reason ?? (shown?.running && 'running'), state)
    assert.deepEqual(status.podIPs, [{ ip: '10.1.1.2' }])
  })
}

test('a condition keeps the time of its last change', () => {
  const before = { type: 'Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' }
  const pod = {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a' }] },
    status: { conditions: [before, { type: 'example.com/gate', status: 'True' }] },
  } as unknown as Pod
  const input = { pod, sandboxReady: true, initialized: false, podIps: [], hostIps: ['1.2.3.4'], startedAtMs: now }
  const steady = renderPodStatus({ ...input, records: new Map([['a', record('a', up)]]) }, now)
  assert.equal(steady.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime, before.lastTransitionTime)
  assert.ok(
    steady.conditions?.some(({ type }) => type === 'example.com/gate'),
    "others' conditions stay",
  )
  const changed = renderPodStatus({ ...input, records: new Map() }, now)
  assert.equal(changed.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime, '2026-01-02T03:04:05Z')
})
