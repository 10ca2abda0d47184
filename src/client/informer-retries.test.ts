import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '#api/status-error.ts'
import { InformerRetries } from './informer-retries.ts'

const said = (code: number, reason: string) =>
  new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code })
const expired = said(410, 'Expired')
const unwilling = said(503, 'ServiceUnavailable')
const gone = new Error('ECONNREFUSED')
const healthy = 'healthy'

const cases: { name: string; happens: (Error | typeof healthy)[]; waits: number[] }[] = [
  { name: 'a version too old: again at once', happens: [expired], waits: [0] },
  {
    name: 'a server that was away and has forgotten the past: listed at once',
    happens: [gone, gone, gone, expired],
    waits: [100, 200, 400, 0],
  },
  {
    name: 'too old again right after the new list: waits',
    happens: [gone, expired, expired, expired],
    waits: [100, 0, 200, 400],
  },
  {
    name: 'a watch that went well in between starts over',
    happens: [gone, gone, expired, healthy, expired, gone],
    waits: [100, 200, 0, 0, 100],
  },
  {
    name: 'a server that is away is asked every second',
    happens: [gone, gone, gone, gone, gone, gone, gone],
    waits: [100, 200, 400, 800, 1000, 1000, 1000],
  },
  {
    name: 'one that refuses is left alone longer',
    happens: Array.from({ length: 10 }, () => unwilling),
    waits: [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000],
  },
]

for (const { name, happens, waits } of cases) {
  test(`retries: ${name}`, () => {
    const retries = new InformerRetries()
    const waited = happens.flatMap((what) => {
      if (what !== healthy) return retries.afterFailure(what as Error, 0)
      retries.forget()
      return []
    })
    assert.deepEqual(waited, waits)
  })
}
