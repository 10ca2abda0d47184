/** Further threads of the DNS server, each with its own socket on the same place. Started when one is not enough. */
import { Worker } from 'node:worker_threads'
import type { Log } from '#observe/log.ts'
import type { FeedItem } from './object-feed.ts'
import type { ServerSettings } from './open-engine.ts'
import type { FromThread, PodCounts, ThreadData, ToThread } from './thread-messages.ts'
import type { UdpSockets } from './udp-sockets.ts'

export interface ThreadsOptions {
  readonly settings: ServerSettings
  readonly sockets: Pick<UdpSockets, 'lend' | 'takeBack'>
  /** Everything there is now, each item read when it is asked for. */
  readonly snapshot: () => Iterable<FeedItem>
  readonly log: Log
}

interface Thread {
  readonly worker: Worker
  readonly waiting: ((rows: readonly PodCounts[]) => void)[]
  fd: number | undefined
}

/** So many objects are handed over in one turn of the event loop; queries are answered between. */
const chunkSize = 200

export class DnsThreads implements AsyncDisposable {
  readonly #options: ThreadsOptions
  readonly #threads = new Set<Thread>()
  #isClosed = false

  constructor(options: ThreadsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#threads.size
  }

  /** A change, for every thread. */
  feed(item: FeedItem): void {
    for (const { worker } of this.#threads) worker.postMessage({ kind: 'feed', items: [item] } satisfies ToThread)
  }

  /** Resolves when one more thread reads queries. */
  async add(): Promise<void> {
    const { settings, sockets, snapshot, log } = this.#options
    const worker = new Worker(new URL('./serve-thread.ts', import.meta.url), {
      workerData: { settings } satisfies ThreadData,
      // the socket is opened, and closed, by the main thread
      trackUnmanagedFds: false,
    })
    const thread: Thread = { worker, waiting: [], fd: undefined }
    this.#threads.add(thread)
    worker.on('message', ({ rows }: FromThread) => thread.waiting.shift()?.(rows))
    worker.on('error', (error) => log.error({ err: error }, 'A DNS thread failed'))
    worker.on('exit', () => {
      this.#threads.delete(thread)
      if (thread.fd !== undefined) sockets.takeBack(thread.fd)
      for (const resolve of thread.waiting) resolve([])
    })
    worker.unref()
    const say = (message: ToThread): void => worker.postMessage(message)
    let items: FeedItem[] = []
    for (const item of snapshot()) {
      items.push(item)
      if (items.length < chunkSize) continue
      say({ kind: 'feed', items })
      items = []
      await new Promise(setImmediate)
    }
    say({ kind: 'feed', items })
    if (this.#isClosed || !this.#threads.has(thread)) return
    const fd = sockets.lend()
    if (fd === undefined) return void worker.terminate()
    thread.fd = fd
    say({ kind: 'serve', fd })
    log.info({ threads: this.#threads.size + 1 }, 'One more thread answers DNS queries')
  }

  async counts(): Promise<PodCounts[]> {
    const all = [...this.#threads].map(
      ({ worker, waiting }) =>
        new Promise<readonly PodCounts[]>((resolve) => {
          waiting.push(resolve)
          worker.postMessage({ kind: 'count' } satisfies ToThread)
        }),
    )
    return (await Promise.all(all)).flat()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()))
  }
}
