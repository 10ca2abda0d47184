import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kind } from '#api/kind.ts'
import type { KubeObject, Status } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'
import type { WatchEvent } from '#api/wire.ts'
import { createClient } from './create-client.ts'
import { createInformers } from './create-informers.ts'
import { startInformer } from './start-informer.ts'
import type { Transport, TransportRequest } from './transport.ts'

const kind = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true } as Kind<KubeObject>

const object = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'a', name, uid: name, resourceVersion, managedFields: [{ manager: 'm' }] },
})
const failure = (code: number, reason: string) =>
  new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code } satisfies Status)

type Answer =
  | { list: [rv: string, ...objects: KubeObject[]] }
  | { events: WatchEvent[]; ending?: 'end' | Error }
  | Error

/** A server that gives prepared answers in order, then keeps the last watch open. */
function scripted(answers: Answer[]): Transport & { asked: string[]; done: Promise<void> } {
  const done = Promise.withResolvers<void>()
  const asked: string[] = []
  const next = (request: TransportRequest): Answer | undefined => {
    const query = request.query
    asked.push(
      query.has('watch') ? `watch ${query.get('resourceVersion')}` : `list ${query.get('continue') ?? ''}`.trim(),
    )
    return answers.shift()
  }
  return {
    asked,
    done: done.promise,
    request: async (request) => {
      const answer = next(request)
      if (answer instanceof Error) throw answer
      assert.ok(answer && 'list' in answer)
      const [resourceVersion, ...items] = answer.list
      return { apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion }, items }
    },
    watch: async function* (request, signal) {
      const answer = next(request)
      if (answer instanceof Error) throw answer
      if (answer && 'events' in answer) {
        yield answer.events
        if (answer.ending instanceof Error) throw answer.ending
        if (answer.ending === 'end') return
      }
      done.resolve()
      if (signal.aborted) return
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

const event = (type: WatchEvent['type'], name: string, rv: string): WatchEvent => ({ type, object: object(name, rv) })

const cases: { name: string; answers: Answer[]; asked: string[]; changes: string[] }[] = [
  {
    name: 'lists, then watches from the version of the list',
    answers: [{ list: ['7', object('x', '3')] }, { events: [event('MODIFIED', 'x', '8'), event('ADDED', 'y', '9')] }],
    asked: ['list', 'watch 7'],
    changes: ['- > x@3', 'x@3 > x@8', '- > y@9'],
  },
  {
    name: 'goes on from the last event when a watch ends',
    answers: [{ list: ['7'] }, { events: [event('ADDED', 'x', '8')], ending: 'end' }],
    asked: ['list', 'watch 7', 'watch 8'],
    changes: ['- > x@8'],
  },
  {
    name: 'a bookmark moves the position and is no change',
    answers: [{ list: ['7'] }, { events: [event('BOOKMARK', '', '50')], ending: 'end' }],
    asked: ['list', 'watch 7', 'watch 50'],
    changes: [],
  },
  {
    name: 'an expired version means a new list, told as differences',
    answers: [
      { list: ['7', object('x', '3'), object('y', '4')] },
      failure(410, 'Expired'),
      { list: ['90', object('y', '4'), object('z', '80')] },
    ],
    asked: ['list', 'watch 7', 'list', 'watch 90'],
    changes: ['- > x@3', '- > y@4', 'x@3 > -', '- > z@80'],
  },
  {
    name: 'a broken connection goes on where it was',
    answers: [{ list: ['7'] }, { events: [event('ADDED', 'x', '8')], ending: new Error('ECONNRESET') }],
    asked: ['list', 'watch 7', 'watch 8'],
    changes: ['- > x@8'],
  },
  {
    name: 'a server that is not there yet is asked again',
    answers: [new Error('ECONNREFUSED'), failure(503, 'ServiceUnavailable'), { list: ['7', object('x', '3')] }],
    asked: ['list', 'list', 'list', 'watch 7'],
    changes: ['- > x@3'],
  },
]

const tell = (at: KubeObject | undefined) => (at ? `${at.metadata.name}@${at.metadata.resourceVersion}` : '-')

for (const { name, answers, asked, changes } of cases) {
  test(`informer: ${name}`, async () => {
    const transport = scripted(answers)
    const client = createClient({ transport, userAgent: 'test' })
    const informer = startInformer(client, kind, { wait: async () => {} }, new AbortController().signal)
    const seen: string[] = []
    informer.onChange(({ before, after }) => seen.push(`${tell(before)} > ${tell(after)}`))
    await transport.done
    await informer.synced
    assert.deepEqual(transport.asked, asked)
    assert.deepEqual(seen, changes)
    await informer[Symbol.asyncDispose]()
  })
}

test('informer: after an outage a server that has forgotten the past is listed without waiting', async () => {
  const gone = new Error('ECONNREFUSED')
  const transport = scripted([
    { list: ['7'] },
    gone,
    gone,
    failure(410, 'Expired'),
    { list: ['90', object('z', '80')] },
  ])
  const client = createClient({ transport, userAgent: 'test' })
  const waits: string[] = []
  const wait = async () => void waits.push(transport.asked.at(-1)!)
  await using informer = startInformer(client, kind, { wait }, new AbortController().signal)
  await transport.done
  assert.deepEqual(transport.asked, ['list', 'watch 7', 'watch 7', 'watch 7', 'list', 'watch 90'])
  assert.equal(waits.length, 2)
  assert.deepEqual(informer.list().map(tell), ['z@80'])
})

test('informer: pages are put together before anything is told', async () => {
  const pages: Record<string, object> = {
    '': { metadata: { continue: 'next' }, items: [object('x', '1')] },
    next: { metadata: { resourceVersion: '9' }, items: [object('y', '2')] },
  }
  const scriptedEnd = scripted([])
  const transport: Transport = {
    ...scriptedEnd,
    request: async (request) => pages[request.query.get('continue') ?? ''],
  }
  const client = createClient({ transport, userAgent: 'test' })
  await using informer = startInformer(client, kind, {}, new AbortController().signal)
  await informer.synced
  assert.deepEqual(informer.list().map(tell), ['x@1', 'y@2'])
})

test('informer: a late handler is first told what is there', async () => {
  const transport = scripted([{ list: ['7', object('x', '3')] }])
  const client = createClient({ transport, userAgent: 'test' })
  await using informer = startInformer(client, kind, {}, new AbortController().signal)
  await informer.synced
  const seen: string[] = []
  informer.onChange(({ before, after }) => seen.push(`${tell(before)} > ${tell(after)}`))
  assert.deepEqual(seen, ['- > x@3'])
})

test('informer: stopped before its first list, it says so to whoever waits', async () => {
  const transport = scripted([new Error('ECONNREFUSED')])
  const client = createClient({ transport, userAgent: 'test' })
  const informer = startInformer(client, kind, {}, new AbortController().signal)
  await informer[Symbol.asyncDispose]()
  await assert.rejects(informer.synced, /the informer was stopped/)
})

test('informers of one process share one cache per kind, without managedFields', async () => {
  const transport = scripted([{ list: ['7', object('x', '3')] }])
  await using informers = createInformers(createClient({ transport, userAgent: 't' }), new AbortController().signal)
  const first = informers.of(kind)
  assert.equal(informers.of(kind), first)
  await informers.synced
  assert.deepEqual(transport.asked.slice(0, 1), ['list'])
  assert.equal(first.get({ namespace: 'a', name: 'x' })?.metadata.managedFields, undefined)
})
