import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { identifyProcess, isRunning, residentBytes, signalProcess } from './process-identity.ts'

test('a process is known until it ends, and its pid alone is not enough', async () => {
  const child = spawn('sleep', ['100'])
  await once(child, 'spawn')
  const identity = identifyProcess(child.pid!)
  assert.ok(identity)
  assert.ok(isRunning(identity))
  assert.ok(residentBytes(identity.pid) > 0)
  const namesake = { ...identity, startTime: '1' }
  assert.ok(!isRunning(namesake))
  assert.ok(!signalProcess(namesake, 'SIGKILL'))
  assert.ok(signalProcess(identity, 'SIGKILL'))
  await once(child, 'exit')
  assert.ok(!isRunning(identity))
  assert.ok(!signalProcess(identity, 'SIGKILL'))
  assert.equal(identifyProcess(identity.pid), undefined)
})
