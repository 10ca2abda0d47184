import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '#api/pod.ts'
import { newRecord, type ContainerInstance, type ContainerRecord } from './container-record.ts'
import { planPod, type ObservedPod, type PodAction } from './plan-pod.ts'

const now = Date.parse('2026-01-02T03:04:05Z')

function instance(exitCode?: number, finishedAtMs = now): ContainerInstance {
  const exit = exitCode === undefined ? {} : { exit: { exitCode, finishedAtMs, reason: 'Error' } }
  return { attempt: 0, id: 'x', startedAtMs: now - 1000, ...exit } as ContainerInstance
}
const running = (name: string, changes: Partial<ContainerRecord> = {}): ContainerRecord => ({
  ...newRecord(name),
  current: instance(),
  probedStarted: true,
  probedReady: true,
  ...changes,
})
const exited = (name: string, exitCode: number, changes: Partial<ContainerRecord> = {}): ContainerRecord => ({
  ...newRecord(name),
  current: instance(exitCode),
  ...changes,
})

interface Case {
  readonly name: string
  readonly spec?: object
  readonly metadata?: object
  readonly status?: object
  readonly records?: readonly ContainerRecord[]
  readonly observed?: Partial<ObservedPod>
  readonly actions: readonly PodAction[]
  readonly wakeInMs?: number
}

const start = (name: string): PodAction => ({ type: 'startContainer', name })
const restart = (name: string, delayMs = 10_000): PodAction => ({
  type: 'startContainer',
  name,
  backoff: { delayMs, updatedAtMs: now },
})
const stop = (name: string, reason = ''): PodAction => ({ type: 'stopContainer', name, reason })
const deleted = { metadata: { deletionTimestamp: '2026-01-02T03:04:35Z' } }
const init = [{ name: 'i1' }, { name: 'i2' }]
const sidecar = [{ name: 'side', restartPolicy: 'Always' }]

const cases: readonly Case[] = [
  { name: 'a new pod gets its network first', observed: { sandboxReady: false }, actions: [{ type: 'createSandbox' }] },
  {
    name: 'after a failure the network waits',
    observed: { sandboxReady: false, retryAtMs: now + 500 },
    actions: [],
    wakeInMs: 500,
  },
  { name: 'nothing is done twice', observed: { sandboxReady: false, busy: true }, actions: [] },
  { name: 'containers start together', actions: [start('a'), start('b')] },
  {
    name: 'a starting container is left alone',
    records: [{ ...newRecord('a'), activity: 'starting' }],
    actions: [start('b')],
  },
  { name: 'running containers are left alone', records: [running('a'), running('b')], actions: [] },
  { name: 'an ended container is started again', records: [running('a'), exited('b', 1)], actions: [restart('b')] },
  {
    name: 'one that crashed again waits, and says so',
    records: [running('a'), exited('b', 1, { backoff: { delayMs: 20_000, updatedAtMs: now - 1 } })],
    actions: [{ type: 'waitForBackoff', name: 'b', delayMs: 20_000 }],
    wakeInMs: 20_000,
  },
  {
    name: 'while it waits nothing is repeated',
    records: [
      running('a'),
      exited('b', 1, {
        backoff: { delayMs: 20_000, updatedAtMs: now - 1 },
        waiting: { reason: 'CrashLoopBackOff' },
      }),
    ],
    actions: [],
    wakeInMs: 20_000,
  },
  {
    name: 'OnFailure starts again only what failed',
    spec: { restartPolicy: 'OnFailure' },
    records: [exited('a', 0), exited('b', 2)],
    actions: [restart('b')],
  },
  {
    name: 'Never starts nothing again',
    spec: { restartPolicy: 'Never' },
    records: [exited('a', 0), exited('b', 2)],
    actions: [],
  },
  {
    name: 'a failed pull is tried again later',
    records: [running('a'), { ...newRecord('b'), retryAtMs: now + 10_000 }],
    actions: [],
    wakeInMs: 10_000,
  },
  { name: 'init containers come one by one', spec: { initContainers: init }, actions: [start('i1')] },
  {
    name: 'the next init container waits for the end of the one before',
    spec: { initContainers: init },
    records: [running('i1')],
    actions: [],
  },
  { name: 'then it starts', spec: { initContainers: init }, records: [exited('i1', 0)], actions: [start('i2')] },
  {
    name: 'after the last one the containers start',
    spec: { initContainers: init },
    records: [exited('i1', 0), exited('i2', 0)],
    actions: [start('a'), start('b')],
  },
  {
    name: 'a failed init container is repeated',
    spec: { initContainers: init },
    records: [exited('i1', 1)],
    actions: [restart('i1')],
  },
  {
    name: 'but not with Never',
    spec: { initContainers: init, restartPolicy: 'Never' },
    records: [exited('i1', 1)],
    actions: [],
  },
  {
    name: 'a sidecar that runs but is not started holds the rest back',
    spec: { initContainers: sidecar },
    records: [running('side', { probedStarted: false })],
    actions: [],
  },
  {
    name: 'a started sidecar lets the rest go',
    spec: { initContainers: sidecar },
    records: [running('side')],
    actions: [start('a'), start('b')],
  },
  {
    name: 'a sidecar that ends is started again beside running containers',
    spec: { initContainers: sidecar },
    records: [exited('side', 1), running('a'), running('b')],
    observed: { initialized: true },
    actions: [restart('side')],
  },
  {
    name: 'when all containers have ended for good, the sidecar is stopped',
    spec: { initContainers: sidecar, restartPolicy: 'Never' },
    records: [running('side'), exited('a', 0), exited('b', 0)],
    observed: { initialized: true },
    actions: [stop('side')],
  },
  {
    name: 'what a probe condemned is stopped',
    records: [running('a', { mustDie: 'LivenessProbeFailed' }), running('b')],
    actions: [stop('a', 'LivenessProbeFailed')],
  },
  {
    name: 'deletion first waits for the routes to go',
    ...deleted,
    records: [running('a'), exited('b', 0)],
    observed: { routes: 'open' },
    actions: [{ type: 'awaitWithdrawal' }],
  },
  {
    name: 'while it waits for the routes nothing is stopped',
    ...deleted,
    records: [running('a')],
    observed: { routes: 'withdrawing' },
    actions: [],
  },
  {
    name: 'without a container that runs there is nothing to wait for',
    ...deleted,
    records: [exited('a', 0)],
    observed: { routes: 'withdrawing' },
    actions: [{ type: 'removePod' }],
  },
  { name: 'deletion stops what runs', ...deleted, records: [running('a'), exited('b', 0)], actions: [stop('a')] },
  {
    name: 'sidecars end after the containers',
    ...deleted,
    spec: { initContainers: sidecar },
    records: [running('side'), running('a')],
    actions: [stop('a')],
  },
  {
    name: 'deletion waits for a container that is just starting',
    ...deleted,
    records: [{ ...newRecord('a'), activity: 'starting' }],
    actions: [],
  },
  {
    name: 'when nothing runs the pod is removed',
    ...deleted,
    records: [exited('a', 0)],
    actions: [{ type: 'removePod' }],
  },
  {
    name: 'an ended pod gives its network back',
    status: { phase: 'Succeeded' },
    records: [exited('a', 0), exited('b', 0)],
    actions: [{ type: 'releaseSandbox' }],
  },
  {
    name: 'past its deadline the pod fails',
    spec: { activeDeadlineSeconds: 5 },
    observed: { startedAtMs: now - 5000 },
    records: [running('a'), running('b')],
    actions: [
      {
        type: 'failPod',
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      },
    ],
  },
]

for (const { name, spec, metadata, status, records = [], observed, actions, wakeInMs } of cases) {
  test(name, () => {
    const pod = {
      metadata: { name: 'p', namespace: 'default', uid: 'u', ...metadata },
      spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec },
      ...(status && { status }),
    } as unknown as Pod
    const all = new Map(records.map((record) => [record.name, record]))
    const defaults = { sandboxReady: true, routes: 'withdrawn', busy: false, initialized: false } as const
    const plan = planPod(pod, { ...defaults, startedAtMs: now, records: all, ...observed }, now)
    assert.deepEqual(plan.actions, actions)
    assert.equal(plan.wakeAtMs, wakeInMs === undefined ? undefined : now + wakeInMs)
  })
}
