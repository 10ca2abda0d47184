/** A thread of the DNS server: an engine of its own on a socket of its own, fed by start-threads.ts. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openLog } from '#observe/log.ts'
import { ObjectFeed } from './object-feed.ts'
import { openEngine } from './open-engine.ts'
import { serveUdp } from './serve-udp.ts'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'

if (parentPort) serveThread(parentPort, workerData as ThreadData)

function serveThread(port: NonNullable<typeof parentPort>, { settings }: ThreadData): void {
  const log = openLog('dns-thread')
  const engine = openEngine(settings, log)
  const feed = new ObjectFeed(engine.apply)
  const take = (message: ToThread): void => {
    switch (message.kind) {
      case 'feed':
        for (const item of message.items) feed.take(item)
        return
      case 'serve':
        engine.apply({ kind: 'synced' })
        // the main thread's again when this one has ended
        serveUdp(message.fd, { ...engine, log, beforeBatch: catchUp })
        return
      case 'count': {
        const { askers } = engine
        const rows = [...askers.list(), askers.nobody].map(({ namespace, pod, counts }) => ({ namespace, pod, counts }))
        return port.postMessage({ rows } satisfies FromThread)
      }
      default:
        message satisfies never
    }
  }
  /** A change that was handed over before a query came is in its answer, whichever the event loop sees first. */
  const catchUp = (): void => {
    for (;;) {
      const waiting = receiveMessageOnPort(port) as { message: ToThread } | undefined
      if (!waiting) return
      take(waiting.message)
    }
  }
  port.on('message', take)
}
