import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '#api/pod.ts'
import type { PodStatus } from '#api/pod-status.ts'
import { StatusError } from '#api/status-error.ts'
import type { Client } from '#client/contract.ts'
import { silentLog } from '#observe/log.ts'
import { openStatusWriter } from './write-status.ts'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name: 'web', uid: 'u1' },
  spec: { containers: [] },
}

const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' } as const

/** Answers each request only when told to, or with the next failure. */
function openSlowWriter(failures: Error[] = [], uid = 'u1') {
  const phases: (string | undefined)[] = []
  const answers: (() => void)[] = []
  const patchStatus = (_ref: object, _type: string, { status }: { status: PodStatus }) => {
    phases.push(status.phase)
    const failure = failures.shift()
    return failure ? Promise.reject(failure) : new Promise<void>((resolve) => answers.push(resolve))
  }
  const client = { of: () => ({ patchStatus, get: () => Promise.resolve({ metadata: { uid } }) }) } as unknown as Client
  const writer = openStatusWriter(client, pod, silentLog, new AbortController().signal)
  return { writer, phases, answer: () => answers.shift()!() }
}

describe('openStatusWriter', () => {
  it('sends what is under way only once', async () => {
    const { writer, phases, answer } = openSlowWriter()
    writer.write({ phase: 'Running' })
    writer.write({ phase: 'Running' })
    answer()
    await writer.idle()
    assert.deepEqual(phases, ['Running'])
  })

  it('sends what differs from what is under way, also when it is what was written before', async () => {
    const { writer, phases, answer } = openSlowWriter()
    writer.write({ phase: 'Pending' })
    answer()
    await writer.idle()
    writer.write({ phase: 'Running' })
    writer.write({ phase: 'Pending' })
    answer()
    while (phases.length < 3) await Promise.resolve()
    answer()
    await writer.idle()
    assert.deepEqual(phases, ['Pending', 'Running', 'Pending'])
  })

  it('sends again what could not be written', async () => {
    const { writer, phases, answer } = openSlowWriter([new Error('refused')])
    writer.write({ phase: 'Running' })
    while (phases.length < 2) await new Promise((resolve) => setImmediate(resolve))
    writer.write({ phase: 'Running' })
    answer()
    await writer.idle()
    assert.deepEqual(phases, ['Running', 'Running'])
  })

  for (const { holder, tries } of [
    { holder: 'u1', tries: 2 },
    { holder: 'u2', tries: 1 },
  ]) {
    it(`after a conflict tries ${tries} times while the pod of that name is ${holder}`, async () => {
      const conflict = new StatusError({ ...status, code: 409, reason: 'Conflict' })
      const { writer, phases, answer } = openSlowWriter([conflict], holder)
      writer.write({ phase: 'Running' })
      if (tries === 2) {
        while (phases.length < 2) await new Promise((resolve) => setImmediate(resolve))
        answer()
      }
      await writer.idle()
      assert.equal(phases.length, tries)
    })
  }
})
