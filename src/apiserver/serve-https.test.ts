import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { ApiHandler } from '#api/wire.ts'
import { parseDurationMs } from './https/answer-exchange.ts'
import { warningHeader } from './https/write-answer.ts'
import { issueCertificate } from './pki/issue-certificate.ts'
import { openHttpsServer, type TestHttpsServer } from './suite/open-https-server.ts'

let server: TestHttpsServer
/** What a test may put between the listeners and the API. */
let intercept: ApiHandler | undefined
describe('the API over TLS', () => {
  before(async () => {
    server = await openHttpsServer((handle) => (request) => (intercept ?? handle)(request))
  })
  after(() => server[Symbol.asyncDispose]())

  interface Asked {
    readonly method?: string
    readonly headers?: Record<string, string>
    readonly body?: string | Uint8Array
    /** Default: the administrator's certificate. */
    readonly user?: 'admin' | 'anonymous' | 'foreign'
  }
  interface Answered {
    readonly status: number
    readonly headers: Readonly<Record<string, unknown>>
    readonly bytes: Buffer
  }
  type Ask = (path: string, asked?: Asked) => Promise<Answered>

  function tlsOptions(user: Asked['user'] = 'admin') {
    const { caCertificate: ca, admin } = server.pki
    if (user === 'anonymous') return { ca }
    return user === 'foreign' ? { ca, ...foreign } : { ca, cert: admin.certificate, key: admin.key }
  }

  const askHttp1: Ask = (path, { method = 'GET', headers = {}, body, user } = {}) =>
    new Promise((resolve, reject) => {
      const options = { ...tlsOptions(user), method, headers, agent: false }
      const request = https.request(`${server.url}${path}`, options, (response) => {
        const { statusCode: status = 0, headers: answered } = response
        response.toArray().then((chunks: Buffer[]) => {
          resolve({ status, headers: answered, bytes: Buffer.concat(chunks) })
        }, reject)
      })
      request.on('error', reject)
      request.end(body)
    })

  const askHttp2: Ask = async (path, { method = 'GET', headers = {}, body, user } = {}) => {
    const session = http2.connect(server.url, tlsOptions(user))
    try {
      const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: false })
      stream.end(body)
      const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
      const bytes = Buffer.concat((await stream.toArray()) as Buffer[])
      return { status: Number(answer[':status']), headers: answer, bytes }
    } finally {
      session.destroy()
    }
  }

  /** Any certificate that our authority did not sign. */
  const foreign = (() => {
    const life = { notBeforeMs: Date.now() - 1000, notAfterMs: Date.now() + 3_600_000 }
    const subject = { commonName: 'kubernetes-admin', organizations: ['system:masters'] }
    const pair = issueCertificate({ subject, usage: 'ca', ...life })
    return { cert: pair.certificate, key: pair.key }
  })()

  const json = (answer: Answered) =>
    JSON.parse(answer.bytes.toString()) as { message: string; reason: string; code: number }

  async function withHandler<T>(handler: ApiHandler, run: () => Promise<T>): Promise<T> {
    intercept = handler
    try {
      return await run()
    } finally {
      intercept = undefined
    }
  }

  const cases: Readonly<Record<string, (ask: Ask) => Promise<void>>> = {
    'anonymous may ask for health and version': async (ask) => {
      assert.equal((await ask('/livez', { user: 'anonymous' })).status, 200)
      assert.equal((await ask('/version', { user: 'anonymous' })).status, 200)
    },
    'anonymous may nothing else, in Kubernetes’ words': async (ask) => {
      const path = await ask('/metrics', { user: 'anonymous' })
      assert.equal(path.status, 403)
      assert.equal(json(path).message, 'forbidden: User "system:anonymous" cannot get path "/metrics"')
      const list = await ask('/api/v1/nodes', { user: 'anonymous' })
      const expected =
        'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at the cluster scope'
      assert.equal(json(list).message, expected)
    },
    'a wrong token is 401, also from a known certificate’s absence': async (ask) => {
      const answer = await ask('/version', { user: 'anonymous', headers: { authorization: 'Bearer nonsense' } })
      assert.equal(answer.status, 401)
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.deepEqual(JSON.parse(answer.bytes.toString()), {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      })
    },
    'a certificate of another authority is 401, whatever name it bears': async (ask) => {
      assert.equal((await ask('/version', { user: 'foreign' })).status, 401)
    },
    'a token counts where there is no certificate': async (ask) => {
      const headers = { authorization: 'Bearer nobodys-token' }
      const answer = await ask('/api/v1/namespaces/default/pods', { user: 'anonymous', headers })
      assert.match(json(answer).message, /^pods is forbidden: User "bob" cannot list/)
    },
    'a service account’s token, minted by the server itself, logs in': async (ask) => {
      const minted = await ask('/api/v1/namespaces/default/serviceaccounts/default/token', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      const { token } = (JSON.parse(minted.bytes.toString()) as { status: { token: string } }).status
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
      const review = await ask(path, { method: 'POST', user: 'anonymous', headers, body: '{}' })
      assert.equal(review.status, 201)
      const { userInfo } = (JSON.parse(review.bytes.toString()) as { status: { userInfo: { username: string } } })
        .status
      assert.equal(userInfo.username, 'system:serviceaccount:default:default')
    },
    'a body over 3 MiB is 413': async (ask) => {
      const headers = { 'content-type': 'application/json' }
      const body = Buffer.alloc(3 * 1024 * 1024 + 1, ' ')
      const answer = await ask('/api/v1/namespaces/default/configmaps', { method: 'POST', headers, body })
      assert.deepEqual([answer.status, json(answer).reason], [413, 'RequestEntityTooLarge'])
    },
    'a body just below 3 MiB is read': async (ask) => {
      const headers = { 'content-type': 'application/json' }
      const body = Buffer.alloc(3 * 1024 * 1024, ' ')
      const answer = await ask('/api/v1/namespaces/default/configmaps', { method: 'POST', headers, body })
      assert.equal(answer.status, 400)
    },
    'HEAD has the head of GET and no body': async (ask) => {
      const [get, head] = [await ask('/version'), await ask('/version', { method: 'HEAD' })]
      assert.equal(head.status, 200)
      assert.equal(head.headers['content-length'], get.headers['content-length'])
      assert.equal(head.bytes.length, 0)
    },
    'a method that nobody serves is 405': async (ask) => {
      assert.equal((await ask('/api/v1/pods', { method: 'OPTIONS' })).status, 405)
    },
    'large answers are compressed for those who take it': async (ask) => {
      const value = { text: 'x'.repeat(300_000) }
      await withHandler(
        async () => ({ status: 200, headers: {}, body: { type: 'object', value } }),
        async () => {
          const packed = await ask('/x', { headers: { 'accept-encoding': 'deflate, gzip;q=1.0' } })
          assert.equal(packed.headers['content-encoding'], 'gzip')
          assert.ok(packed.bytes.length < 10_000)
          assert.deepEqual(JSON.parse(gunzipSync(packed.bytes).toString()), value)
          for (const headers of [{}, { 'accept-encoding': 'gzip;q=0' }] as Record<string, string>[]) {
            const plain = await ask('/x', { headers })
            assert.deepEqual(JSON.parse(plain.bytes.toString()), value)
          }
        },
      )
    },
    'small answers are not compressed': async (ask) => {
      const answer = await ask('/version', { headers: { 'accept-encoding': 'gzip' } })
      assert.equal(answer.headers['content-encoding'], undefined)
    },
    'warnings become headers': async (ask) => {
      const warnings = ['say "this"', 'line\nbreak é']
      await withHandler(
        async () => ({ status: 200, headers: {}, body: { type: 'object', value: {} }, warnings }),
        async () => {
          const { headers } = await ask('/x')
          assert.deepEqual(String(headers.warning), '299 - "say \\"this\\"", 299 - "line break  "')
        },
      )
    },
    'a request that takes too long is 504': async (ask) => {
      await withHandler(
        () => new Promise(() => {}),
        async () => {
          const answer = await ask('/x?timeout=20ms')
          assert.deepEqual([answer.status, json(answer).reason], [504, 'Timeout'])
        },
      )
    },
    'a fault is a 500 that tells nothing of the inside': async (ask) => {
      await withHandler(
        async () => {
          throw new TypeError('secret detail')
        },
        async () => {
          const answer = await ask('/x')
          assert.equal(answer.status, 500)
          assert.ok(!answer.bytes.toString().includes('secret detail'))
        },
      )
    },
    'an unreadable path is 400': async (ask) => {
      assert.equal((await ask('/api/v1/namespaces/%zz/pods')).status, 400)
    },
    'a client that goes away aborts its request': async (ask) => {
      const aborted = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      await withHandler(
        ({ signal }) =>
          new Promise(() => {
            signal.addEventListener('abort', () => aborted.resolve())
            begun.resolve()
          }),
        async () => {
          const stop = ask === askHttp2 ? leaveHttp2() : leaveHttp1()
          await begun.promise
          stop()
          await aborted.promise
        },
      )
    },
    'logs are streamed as plain text': async (ask) => {
      server.podStreams.log({ namespace: 'default', pod: 'two', container: 'b' }, 'hello')
      const answer = await ask('/api/v1/namespaces/default/pods/two/log?container=b')
      assert.equal(answer.headers['content-type'], 'text/plain')
      assert.ok(answer.bytes.toString().startsWith('hello\n'))
    },
    'a log of one of several containers must name it': async (ask) => {
      const answer = await ask('/api/v1/namespaces/default/pods/two/log')
      assert.deepEqual(
        [answer.status, json(answer).message],
        [400, 'a container name must be specified for pod two, choose one of: [a b]'],
      )
    },
    'exec without an upgrade is 400': async (ask) => {
      const answer = await ask('/api/v1/namespaces/default/pods/web/exec?command=x&stdout=1', { method: 'POST' })
      assert.deepEqual([answer.status, json(answer).message], [400, 'Upgrade request required'])
    },
    'a Service is proxied, every method': async (ask) => {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const path = '/api/v1/namespaces/default/services/web:http/proxy/a%2Fb/c?d=e'
        const withBody = method !== 'GET' && method !== 'OPTIONS'
        const answer = await ask(path, {
          method,
          ...(withBody && { body: 'data', headers: { 'content-length': '4' } }),
        })
        const said = JSON.parse(answer.bytes.toString()) as Record<string, string>
        assert.equal(answer.headers['x-from'], 'pod')
        assert.deepEqual([said.method, said.url, said.body], [method, '/a%2Fb/c?d=e', withBody ? 'data' : ''])
        assert.equal(said.authorized, false)
      }
    },
    'a proxied path without a slash is a redirect, for reading only': async (ask) => {
      const path = '/api/v1/namespaces/default/pods/web:80/proxy'
      const get = await ask(`${path}?a=b`)
      assert.deepEqual([get.status, get.headers.location], [301, `${path}/?a=b`])
      const post = await ask(path, { method: 'POST' })
      assert.equal((JSON.parse(post.bytes.toString()) as { url: string }).url, '/')
    },
    'redirects and links of a proxied site stay below the proxy': async (ask) => {
      const prefix = '/api/v1/namespaces/default/services/http:web:8080/proxy'
      assert.equal((await ask(`${prefix}/redirect`)).headers.location, `${prefix}/target`)
      const page = await ask(`${prefix}/page`)
      assert.equal(page.bytes.toString(), `<a href="${prefix}/x">x</a><img src="//cdn/y">`)
    },
    'a proxy to nothing is 503, to nonsense 400': async (ask) => {
      const proxied = async (name: string) => {
        const answer = await ask(`/api/v1/namespaces/default/services/${name}/proxy/`)
        return [answer.status, json(answer).message]
      }
      assert.deepEqual(await proxied('empty'), [503, 'no endpoints available for service "empty"'])
      assert.deepEqual(await proxied('web:nope'), [503, 'no service port "nope" found for service "web"'])
      assert.deepEqual(await proxied('a:b:c:d'), [400, 'invalid service request "a:b:c:d"'])
      assert.deepEqual(await proxied('missing'), [404, 'services "missing" not found'])
    },
    'watch events come one by one, while they happen': async (ask) => {
      const path = '/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=30'
      const name = `watched-${ask === askHttp2 ? 'two' : 'one'}`
      const lines = ask === askHttp2 ? watchHttp2(path) : watchHttp1(path)
      await server.create('/api/v1/namespaces/default/configmaps', { metadata: { name } })
      for await (const line of lines) if (line.includes(`"name":"${name}"`)) break
    },
  }

  for (const [version, ask] of [
    ['HTTP/1.1', askHttp1],
    ['HTTP/2', askHttp2],
  ] as const) {
    describe(version, () => {
      for (const [name, run] of Object.entries(cases)) test(name, () => run(ask))
    })
  }

  function leaveHttp1(): () => void {
    const request = https.request(`${server.url}/x`, { ...tlsOptions(), agent: false })
    request.on('error', () => {})
    request.end()
    return () => void request.destroy()
  }

  function leaveHttp2(): () => void {
    const session = http2.connect(server.url, tlsOptions())
    const stream = session.request({ ':path': '/x' })
    stream.on('error', () => {})
    return () => {
      stream.close(http2.constants.NGHTTP2_CANCEL)
      stream.once('close', () => session.destroy())
    }
  }

  async function* watchHttp1(path: string): AsyncGenerator<string> {
    const request = https.request(`${server.url}${path}`, { ...tlsOptions(), agent: false })
    request.end()
    const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>]
    for await (const chunk of response) yield* chunk.toString().split('\n')
  }

  async function* watchHttp2(path: string): AsyncGenerator<string> {
    const session = http2.connect(server.url, tlsOptions())
    try {
      for await (const chunk of session.request({ ':path': path })) yield* String(chunk).split('\n')
    } finally {
      session.destroy()
    }
  }

  test('stopping ends watches and connections, and the port is free again', async () => {
    await using own = await openHttpsServer()
    const options = { ca: own.pki.caCertificate, cert: own.pki.admin.certificate, key: own.pki.admin.key }
    const session = http2.connect(own.url, options)
    const watch = session.request({ ':path': '/api/v1/pods?watch=1' })
    await once(watch, 'response')
    const ended = text(watch)
    await own.stop()
    assert.match(await ended, /"type":"ADDED"/)
    await own.start()
    session.destroy()
  })

  test('a request that is being answered when the server stops is still answered', async () => {
    const begun = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    await using own = await openHttpsServer((handle) => async (request) => {
      if (request.path !== '/slow') return handle(request)
      begun.resolve()
      await finish.promise
      return { status: 200, headers: {}, body: { type: 'object', value: { done: true } } }
    })
    const options = { ca: own.pki.caCertificate, cert: own.pki.admin.certificate, key: own.pki.admin.key }
    const session = http2.connect(own.url, options)
    const answer = text(session.request({ ':path': '/slow' }))
    await begun.promise
    const stopped = own.stop()
    finish.resolve()
    assert.deepEqual(JSON.parse(await answer), { done: true })
    await stopped
    await own.start()
  })

  test('durations', () => {
    const texts = ['32s', '1m30s', '500ms', '1.5s', '0s', 'x', '10', '']
    assert.deepEqual(texts.map(parseDurationMs), [
      32_000,
      90_000,
      500,
      1_500,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  test('warning texts cannot break out of their header', () => {
    assert.equal(warningHeader('a"b\\c\r\nd'), '299 - "a\\"b\\\\c  d"')
  })
})
