import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from './plan-proof.ts'
import { planProof, renderVerdict } from './plan-proof.ts'
import { proveAddress } from './prove-address.ts'
import { sampleService, sampleSlice } from './sample-objects.ts'

const times = { firstRetryMs: 1, headStartMs: 2, patienceMs: 20, timeoutMs: 60 }
const stray = 65_535

/** Answers by port: how many tries stay without answer first, then what. */
function fakeNetwork(
  answers: Readonly<Record<number, { readonly silent: number; readonly says: Answer | undefined }>>,
) {
  const tries = new Map<number, number>()
  return {
    tries,
    dial: (_ip: string, port: number, signal: AbortSignal): Promise<Answer> => {
      const count = (tries.get(port) ?? 0) + 1
      tries.set(port, count)
      const answer = answers[port]
      if (answer?.says && count > answer.silent) return Promise.resolve(answer.says)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    },
  }
}
const proof = { servicePort: 80, strayPort: stray, hasEndpoints: true }
const never = { silent: 0, says: undefined }
const refuses = { silent: 0, says: 'refused' } as const

const cases = [
  ['it answers at once', proof, { 80: { silent: 0, says: 'connected' } }, '80 connected'],
  ['the node learns of it a little later', proof, { 80: { silent: 2, says: 'connected' } }, '80 connected'],
  ['endpoints that never accept', proof, { 80: refuses }, '80 refused'],
  ['nothing behind it', { ...proof, hasEndpoints: false }, { 80: refuses }, '80 refused'],
  ['endpoints that say nothing, a node that routes', proof, { 80: never, [stray]: refuses }, `${stray} refused`],
  ['no TCP port', { ...proof, servicePort: undefined }, { [stray]: refuses }, `${stray} refused`],
  ['nobody routes it', proof, {}, /^Error: Cannot reach 10.0.0.1:80 within 60 ms/],
  ['no TCP port, nobody routes it', { ...proof, servicePort: undefined }, {}, /^Error: Cannot reach 10.0.0.1:65535/],
  [
    'somebody else answers',
    { ...proof, servicePort: undefined },
    { [stray]: { silent: 0, says: 'connected' } },
    /^Error: Cannot trust 10.0.0.1: port 65535/,
  ],
] as const

for (const [name, asked, answers, expected] of cases) {
  test(`proof: ${name}`, async () => {
    const outcome = await proveAddress(
      fakeNetwork(answers),
      '10.0.0.1',
      asked,
      new AbortController().signal,
      // What must succeed has all the time it wants, however busy the machine is.
      typeof expected === 'string' ? { ...times, timeoutMs: 60_000 } : times,
    ).then(
      ({ port, answer }) => `${port} ${answer}`,
      (error: unknown) => String(error),
    )
    if (typeof expected === 'string') assert.equal(outcome, expected)
    else assert.match(outcome, expected)
  })
}

test('an accepted connection is waited for where endpoints are', async () => {
  let tries = 0
  const dial = () => Promise.resolve<Answer>(++tries > 2 ? 'connected' : 'refused')
  const patient = { ...times, timeoutMs: 60_000 }
  const { answer } = await proveAddress({ dial }, '10.0.0.1', proof, new AbortController().signal, patient)
  assert.equal(answer, 'connected')
})

test('whoever stops is not kept waiting', async () => {
  const stop = new AbortController()
  const proving = proveAddress(fakeNetwork({}), '10.0.0.1', proof, stop.signal, { ...times, timeoutMs: 60_000 })
  stop.abort(new Error('stopped'))
  await assert.rejects(proving, /stopped/)
})

const udp = { ports: [{ port: 53, protocol: 'UDP' as const }] }
const plans = [
  ['the first TCP port', {}, '80 65535'],
  ['UDP only', { spec: udp }, 'undefined 65535'],
  ['mixed', { spec: { ports: [...udp.ports, { port: 443 }] } }, '443 65535'],
  ['a Service that has the last port', { spec: { ports: [{ port: 65_535 }] } }, '65535 65534'],
  ['ranges with us', { spec: { loadBalancerSourceRanges: [' 172.30.0.0/24 '] } }, '80 65535'],
  ['ranges without us', { spec: { loadBalancerSourceRanges: ['10.0.0.0/8'] } }, 'undefined 65535'],
  [
    'ranges in the annotation',
    { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8,11.0.0.0/8' } },
    'undefined 65535',
  ],
] as const

test('what is dialled', () => {
  for (const [name, draft, expected] of plans) {
    const held = { service: sampleService('a', draft as object), slices: [] }
    const { servicePort, strayPort } = planProof(held, [], '172.30.0.1')
    assert.equal(`${servicePort} ${strayPort}`, expected, name)
  }
})

test('what is said about it', () => {
  const held = { service: sampleService('a'), slices: [sampleSlice([{}])] }
  const withEndpoints = planProof(held, [], '172.30.0.1')
  const without = planProof({ ...held, slices: [sampleSlice([{ conditions: { ready: false } }])] }, [], '172.30.0.1')
  const reason = (asked: typeof proof | typeof without, port: number, answer: Answer) =>
    renderVerdict('10.0.0.1', asked, { port, answer }, 'node-1').reason
  assert.equal(reason(withEndpoints, 80, 'connected'), 'Connected')
  assert.equal(reason(withEndpoints, 80, 'refused'), 'Refused')
  assert.equal(reason(without, 80, 'refused'), 'NoEndpoints')
  assert.equal(reason(without, stray, 'refused'), 'Routed')
})
