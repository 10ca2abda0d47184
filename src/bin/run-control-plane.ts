/** Entry of the control-plane process. Started inside the holder's namespaces with one argument: the cluster's directory. */
import { closeSync, writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { openLog } from '#observe/log.ts'
import { type Progress, renderProgress } from '#lib/progress.ts'
import { IndexTakenError } from './claim-index.ts'
import { startControlPlane } from './start-control-plane.ts'

const progressFd = 3
const [clusterDir = ''] = process.argv.slice(2)
const log = openLog('control-plane', 2, process.env['FRONTDESK_LOG_LEVEL'] ?? 'info')
const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort(new Error(signal)))

let listening = true
/** The command that started us may have gone: then nobody listens, and that is fine. */
function tell(progress: Progress): void {
  if (!listening) return
  try {
    writeSync(progressFd, renderProgress(progress))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    listening = false
  }
}

try {
  await using controlPlane = await startControlPlane({ clusterDir, env: process.env, tell, log }, stopping.signal)
  tell({ type: 'ready' })
  if (listening) closeSync(progressFd)
  listening = false
  // Now, not at the end: the next start shall be fast although this process runs for days, or is killed.
  flushCompileCache()
  await controlPlane.stopped
} catch (error) {
  log.error({ error: (error as Error).stack }, 'the control plane failed')
  tell({ type: 'failed', message: (error as Error).message, conflict: error instanceof IndexTakenError })
  process.exitCode = 1
}
process.exit()
