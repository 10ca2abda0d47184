import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { preferShortSlices, timeSliceNs } from './time-slice.ts'

const module = JSON.stringify(new URL('./time-slice.ts', import.meta.url).href)
const tell = `import(${module}).then(({ timeSliceNs }) => String(timeSliceNs()))`

const ofChild = (): bigint =>
  BigInt(
    execFileSync(process.execPath, ['--eval', `${tell}.then((text) => process.stdout.write(text))`], {
      encoding: 'utf8',
    }),
  )

async function ofWorker(): Promise<bigint> {
  const code = `${tell}.then((text) => require('node:worker_threads').parentPort.postMessage(text))`
  const worker = new Worker(code, { eval: true })
  return new Promise((resolve, reject) => {
    worker.once('message', (text: string) => resolve(BigInt(text)))
    worker.once('error', reject)
  })
}

test('a thread gets short slices, and leaves them to what it starts only if so wanted', async (context) => {
  const usual = timeSliceNs()
  // Before Linux 6.12 no slice is told, and a wish for one does nothing.
  if (usual === undefined || usual === 0n) return context.skip('this kernel knows no slices of single threads')
  assert.equal(preferShortSlices({ inherited: true }), true)
  const short = timeSliceNs()!
  assert.ok(short < usual, `${short} ns is not less than ${usual} ns`)
  assert.equal(ofChild(), short)
  assert.equal(await ofWorker(), short)
  assert.equal(preferShortSlices({ inherited: false }), true)
  assert.equal(timeSliceNs(), short)
  assert.equal(ofChild(), usual)
  assert.equal(await ofWorker(), usual)
})
