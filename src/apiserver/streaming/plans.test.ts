import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '#api/endpoint-slice.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import { StatusError } from '#api/status-error.ts'
import { ByteQueue } from './byte-queue.ts'
import { parseProxyTarget, rewriteLinks, rewriteLocation, splitProxyPath } from './parse-proxy-target.ts'
import { planExec, selectContainer } from './plan-exec.ts'
import { planLog } from './plan-log.ts'
import { selectEndpoint, selectPodPort } from './select-endpoint.ts'

const pod = (changes: { containers?: string[]; init?: string[]; nodeName?: string; status?: object } = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'a', name: 'p' },
    spec: {
      nodeName: changes.nodeName ?? 'n1',
      containers: (changes.containers ?? ['c']).map((name) => ({
        name,
        ports: [{ name: 'web', containerPort: 8080 }],
      })),
      initContainers: (changes.init ?? []).map((name) => ({ name })),
    },
    status: { phase: 'Running', containerStatuses: [{ name: 'c', state: { running: {} } }], ...changes.status },
  }) as unknown as Pod

/** What a plan says: a value, or the code and message of its refusal. */
function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error))
    return `${error.code} ${error.message}`
  }
}

const containerCases: [name: string, pod: Pod, asked: string | null, expected: string][] = [
  ['the only one', pod(), null, 'c'],
  ['an empty name', pod(), '', 'c'],
  ['a named one', pod({ containers: ['a', 'b'] }), 'b', 'b'],
  ['an init container', pod({ init: ['i'] }), 'i', 'i'],
  ['an unknown one', pod(), 'x', '400 container x is not valid for pod p'],
  [
    'none of several',
    pod({ containers: ['a', 'b'], init: ['i'] }),
    null,
    '400 a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]',
  ],
]
for (const [name, of, asked, expected] of containerCases) {
  test(`container: ${name}`, () =>
    assert.equal(
      outcome(() => selectContainer(of, asked)),
      expected,
    ))
}

const execCases: [query: string, expected: unknown][] = [
  [
    'command=sh&command=-c&stdin=true&stdout=1&stderr=true',
    { container: 'c', command: ['sh', '-c'], options: { stdin: true, stdout: true, stderr: true, tty: false } },
  ],
  [
    'command=sh&stdout=1&stderr=1&tty=true',
    { container: 'c', command: ['sh'], options: { stdin: false, stdout: true, stderr: false, tty: true } },
  ],
  ['command=sh&stdout=false', '400 you must specify at least 1 of stdin, stdout, stderr'],
  ['stdout=1', '400 you must specify at least 1 command for the container'],
]
for (const [query, expected] of execCases) {
  test(`exec ${query}`, () =>
    assert.deepEqual(
      outcome(() => planExec(pod(), new URLSearchParams(query), 'exec')),
      expected,
    ))
}
test('exec needs a node, attach no command', () => {
  const query = new URLSearchParams('stdout=1')
  assert.equal(
    outcome(() => planExec(pod({ nodeName: '' }), query, 'attach')),
    '400 pod p does not have a host assigned',
  )
  assert.deepEqual(planExec(pod(), query, 'attach').command, [])
})

const terminated = {
  containerStatuses: [{ name: 'c', state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: {} } }],
}
const logCases: [query: string, status: object | undefined, expected: unknown][] = [
  ['', undefined, { follow: false, previous: false, timestamps: false }],
  [
    'follow=true&tailLines=0&timestamps=1',
    undefined,
    { follow: true, previous: false, timestamps: true, tailLines: 0 },
  ],
  ['sinceSeconds=10', undefined, { follow: false, previous: false, timestamps: false, sinceTimeMs: 90_000 }],
  [
    'sinceTime=1970-01-01T00:00:05Z',
    undefined,
    { follow: false, previous: false, timestamps: false, sinceTimeMs: 5_000 },
  ],
  [
    'tailLines=-1',
    undefined,
    '422 PodLogOptions.meta.k8s.io "" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  ],
  ['tailLines=x', undefined, '400 the parameter tailLines is not an integer: "x"'],
  ['previous=true', undefined, '400 previous terminated container "c" in pod "p" not found'],
  ['previous=true', terminated, { follow: false, previous: true, timestamps: false }],
  ['', terminated, { follow: false, previous: false, timestamps: false }],
  [
    '',
    { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    '400 container "c" in pod "p" is waiting to start: ImagePullBackOff',
  ],
  ['', { containerStatuses: [] }, '400 container "c" in pod "p" is waiting to start: ContainerCreating'],
]
for (const [query, status, expected] of logCases) {
  test(`log ${query || 'without options'} ${status ? JSON.stringify(status).slice(0, 60) : ''}`, () => {
    const plan = outcome(() => planLog(pod({ ...(status && { status }) }), new URLSearchParams(query), 100_000).options)
    assert.deepEqual(plan, expected)
  })
}

const targetCases: [text: string, expected: string | undefined][] = [
  ['web', 'http web '],
  ['web:80', 'http web 80'],
  ['web:http', 'http web http'],
  ['https:web:443', 'https web 443'],
  ['http:web:', 'http web '],
  [':web:80', 'http web 80'],
  ['ftp:web:80', undefined],
  ['a:b:c:d', undefined],
  [':80', undefined],
  ['', undefined],
]
for (const [text, expected] of targetCases) {
  test(`proxy target ${JSON.stringify(text)}`, () => {
    const target = parseProxyTarget(text)
    assert.equal(target && `${target.scheme} ${target.name} ${target.port}`, expected)
  })
}

test('proxy paths keep their encoding', () => {
  const prefix = '/api/v1/namespaces/a/services/web/proxy'
  assert.deepEqual(splitProxyPath(`${prefix}/x%2Fy//z/`, 6), { prefix, rest: '/x%2Fy//z/' })
  assert.deepEqual(splitProxyPath(`${prefix}/`, 6), { prefix, rest: '/' })
  assert.deepEqual(splitProxyPath(prefix, 6), { prefix, rest: '' })
})

test('redirects: own site goes through the proxy, others do not', () => {
  assert.equal(rewriteLocation('/a', '/p', 'h:80'), '/p/a')
  assert.equal(rewriteLocation('http://h:80/a?b', '/p', 'h:80'), '/p/a?b')
  assert.equal(rewriteLocation('http://h:80', '/p', 'h:80'), '/p/')
  for (const other of ['https://elsewhere/a', '//cdn/a', 'relative'])
    assert.equal(rewriteLocation(other, '/p', 'h:80'), other)
})

test('links: attributes with root paths, whatever their quotes', () => {
  const html = `<a href='/a'><A HREF="/b"><form action=/c><a href="d"><a href="//e"><p>href="/f" text</p>`
  assert.equal(
    rewriteLinks(html, '/p'),
    `<a href='/p/a'><A HREF="/p/b"><form action=/p/c><a href="d"><a href="//e"><p>href="/f" text</p>`,
  )
})

const service = (ports: object[]) =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'a', name: 'web' },
    spec: { ports },
  }) as unknown as Service
const slice = (endpoints: object[], ports: object[] = [{ name: 'http', port: 8080 }]) =>
  ({ metadata: { name: 's' }, addressType: 'IPv4', ports, endpoints }) as unknown as EndpointSlice
const endpoint = (name: string, ready?: boolean, targetRef: object = {}) => ({
  addresses: ['10.0.0.1'],
  conditions: { ...(ready !== undefined && { ready }) },
  targetRef: { kind: 'Pod', namespace: 'a', name, ...targetRef },
})
const http = [{ name: 'http', port: 80 }]

const endpointCases: [
  name: string,
  ports: object[],
  endpoints: object[],
  asked: string,
  random: number,
  expected: string,
][] = [
  ['a port by name', http, [endpoint('p1')], 'http', 0, 'p1:8080'],
  ['a port by number', http, [endpoint('p1')], '80', 0, 'p1:8080'],
  ['the only port', http, [endpoint('p1')], '', 0, 'p1:8080'],
  ['the first at random', http, [endpoint('p1'), endpoint('p2')], '', 0.49, 'p1:8080'],
  ['the last at random', http, [endpoint('p1'), endpoint('p2')], '', 0.99, 'p2:8080'],
  ['only ready ones', http, [endpoint('p1', false), endpoint('p2', true)], '', 0, 'p2:8080'],
  [
    'no pod of another namespace',
    http,
    [endpoint('p1', true, { namespace: 'b' })],
    '',
    0,
    '503 no endpoints available for service "web"',
  ],
  [
    'nothing but pods',
    http,
    [endpoint('p1', true, { kind: 'Node' })],
    '',
    0,
    '503 no endpoints available for service "web"',
  ],
  ['an unknown port', http, [endpoint('p1')], 'x', 0, '503 no service port "x" found for service "web"'],
  [
    'none of several named ports',
    [...http, { name: 'b', port: 81 }],
    [endpoint('p1')],
    '',
    0,
    '503 no service port "" found for service "web"',
  ],
]
for (const [name, ports, endpoints, asked, random, expected] of endpointCases) {
  test(`proxied endpoint: ${name}`, () => {
    const chosen = outcome(() => {
      const { pod: chosenPod, port } = selectEndpoint(service(ports), [slice(endpoints)], asked, random)
      return `${chosenPod}:${port}`
    })
    assert.equal(chosen, expected)
  })
}

test('ports of a proxied pod', () => {
  const bare = { ...pod(), spec: { containers: [{ name: 'c' }] } } as unknown as Pod
  assert.equal(selectPodPort(pod(), '', 'http'), 8080)
  assert.equal(selectPodPort(pod(), 'web', 'http'), 8080)
  assert.equal(selectPodPort(pod(), '9', 'http'), 9)
  assert.deepEqual([selectPodPort(bare, '', 'http'), selectPodPort(bare, '', 'https')], [80, 443])
  assert.equal(
    outcome(() => selectPodPort(pod(), 'x', 'http')),
    '503 no port "x" found for pod "p"',
  )
})

test('a queue says when it is full, when it has room, and forgets for a reader who left', async () => {
  const said: string[] = []
  const queue = new ByteQueue({ fullAtBytes: 10, onFull: () => said.push('full'), onRoom: () => said.push('room') })
  for (const size of [4, 4, 4]) queue.push(new Uint8Array(size))
  assert.deepEqual(said, ['full'])
  const reader = queue[Symbol.asyncIterator]()
  await reader.next()
  assert.deepEqual(said, ['full'], 'eight bytes are still more than half')
  await reader.next()
  assert.deepEqual(said, ['full', 'room'])
  for (const size of [4, 4, 4]) queue.push(new Uint8Array(size))
  assert.deepEqual(said, ['full', 'room', 'full'])
  await reader.return(undefined)
  assert.deepEqual(said, ['full', 'room', 'full', 'room'])
  queue.push(new Uint8Array(100))
  assert.equal((await queue[Symbol.asyncIterator]().next()).done, true)
})
