/** A whole API server over a memory store, for tests: everything is allowed, time stands still unless moved. */
import type { Kind } from '#api/kind.ts'
import type { ApiRequest, ApiResponse, EncodedWatchEvent, WatchEvent } from '#api/wire.ts'
import { silentLog } from '#observe/log.ts'
import { openMemoryStore } from '#store/memory/open-memory-store.ts'
import { type ApiServer, type ApiServerDeps, createApiHandler } from './create-api-handler.ts'

export interface TestServer extends AsyncDisposable {
  readonly api: ApiServer
  readonly clock: { nowMs: () => number; move(ms: number): void }
  /** `path` may have a query. Objects are parsed from the answer; `text` is set for other bytes. */
  call(method: ApiRequest['method'], path: string, body?: unknown, options?: CallOptions): Promise<TestAnswer>
  /** Opens a watch and gives events one at a time. */
  watch(path: string, headers?: Record<string, string>): TestWatch
}

export interface CallOptions {
  readonly contentType?: string
  readonly accept?: string
  readonly user?: string
  readonly headers?: Record<string, string>
  /** The body passes as bytes, as over the network, instead of as an object. */
  readonly raw?: boolean
}

export interface TestAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
  // Tests reach deep into answers; their shape is what is being tested.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly object: any
  readonly text: string
}

export interface TestWatch extends AsyncDisposable {
  next(): Promise<WatchEvent>
  /** Waits for the server to end the watch; fails when an event comes instead. */
  ended(): Promise<void>
}

export async function openTestServer(
  options: Partial<ApiServerDeps> & { readonly kinds?: readonly Kind[] } = {},
): Promise<TestServer> {
  let nowMs = Date.parse('2026-01-02T03:04:05Z')
  const clock = { nowMs: () => nowMs, move: (ms: number) => void (nowMs += ms) }
  const store = options.store ?? openMemoryStore()
  const api = await createApiHandler({
    store,
    log: silentLog,
    clock,
    authorize: () => ({ allowed: true }),
    admission: () => [],
    ...options,
  })
  const controller = new AbortController()

  const send = (method: ApiRequest['method'], path: string, body: unknown, call: CallOptions, signal: AbortSignal) => {
    const [pathname = '', query = ''] = path.split('?')
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : (body as object | undefined)
    const passed = call.raw && bytes && !(bytes instanceof Uint8Array) ? Buffer.from(JSON.stringify(bytes)) : bytes
    return api.handle({
      method,
      path: pathname,
      query: new URLSearchParams(query),
      headers: {
        ...(call.accept !== undefined && { accept: call.accept }),
        ...(call.contentType !== undefined && { 'content-type': call.contentType }),
        ...call.headers,
      },
      ...(passed !== undefined && { body: passed }),
      user: { name: call.user ?? 'tester', groups: ['system:authenticated'] },
      signal,
    })
  }

  return {
    api,
    clock,
    call: async (method, path, body, call = {}) => answerOf(await send(method, path, body, call, controller.signal)),
    watch: (path, headers = {}) => openWatch((signal) => send('GET', path, undefined, { headers }, signal)),
    [Symbol.asyncDispose]: async () => {
      controller.abort()
      await api[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

function answerOf(response: ApiResponse): TestAnswer {
  const { status, headers, body, warnings = [] } = response
  const text = body?.type === 'bytes' ? new TextDecoder().decode(body.value) : ''
  return { status, headers, warnings, text, object: body?.type === 'object' ? body.value : undefined }
}

function openWatch(send: (signal: AbortSignal) => Promise<ApiResponse>): TestWatch {
  const controller = new AbortController()
  const pending: EncodedWatchEvent[] = []
  let batches: AsyncIterator<readonly EncodedWatchEvent[]> | undefined
  const pull = async (): Promise<EncodedWatchEvent | undefined> => {
    batches ??= await open()
    while (pending.length === 0) {
      const batch = await batches.next()
      if (batch.done) return undefined
      pending.push(...batch.value)
    }
    return pending.shift()
  }
  const open = async () => {
    const { body, status } = await send(controller.signal)
    if (body?.type === 'watch') return body.events[Symbol.asyncIterator]()
    throw new Error(`no watch but status ${status}: ${JSON.stringify(body)}`)
  }
  return {
    next: async () => {
      const event = await pull()
      if (!event) throw new Error('the watch ended')
      return JSON.parse(new TextDecoder().decode(event.json())) as WatchEvent
    },
    ended: async () => {
      const event = await pull()
      if (event) throw new Error(`unexpected event ${new TextDecoder().decode(event.json())}`)
    },
    [Symbol.asyncDispose]: async () => {
      controller.abort()
      await batches?.return?.()
    },
  }
}
