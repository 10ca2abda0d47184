/** Entry of the edge process: one argument, the path of its configuration (edge-config.ts). Logs to stderr. */
import { closeSync, fstatSync, writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { type Progress, renderProgress } from '#lib/progress.ts'
import { openLog } from '#observe/log.ts'
import { readEdgeConfig } from './edge-config.ts'
import { startEdge } from './start-edge.ts'

/** A pipe from whoever started us; started by hand, the number may be anything, so only a socket is believed. */
const progressFd = 3
let isListenedTo = isSocket(progressFd)

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort(new Error(signal)))
const stopped = new Promise((resolve) => stopping.signal.addEventListener('abort', resolve, { once: true }))

const [configFile] = process.argv.slice(2)
const log = openLog('edge')
try {
  if (configFile === undefined) throw new Error('Cannot start: the path of a configuration file is missing')
  await using edge = await startEdge(await readEdgeConfig(configFile), log, stopping.signal)
  log.info({ configFile }, 'DNS and host access are there; filling caches')
  await Promise.race([edge.synced, stopped])
  tell({ type: 'ready' })
  flushCompileCache()
  await stopped
} catch (error) {
  if (!stopping.signal.aborted) {
    log.error({ err: error }, 'the edge failed')
    tell({ type: 'failed', message: (error as Error).message })
    process.exitCode = 1
  }
}
process.exit()

/** Once: who started us waits for one word only. */
function tell(progress: Progress): void {
  if (!isListenedTo) return
  isListenedTo = false
  try {
    writeSync(progressFd, renderProgress(progress))
    closeSync(progressFd)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch {
    return false
  }
}
