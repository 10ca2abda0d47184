/** Keeps the edge process running: adopts one that outlived us, starts it when there is none, again when it ends. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readRunningProcesses, writeProcess } from '#cli/open-cluster-records.ts'
import type { ClusterPaths } from '#cli/select-cluster-paths.ts'
import type { ProcessIdentity } from '#kernel/process-identity.ts'
import { startDetached } from '#kernel/start-detached.ts'
import { watchExit } from '#kernel/watch-exit.ts'
import type { Log } from '#observe/log.ts'
import type { EdgeConfig } from './edge-config.ts'

export interface EdgeOptions {
  readonly paths: ClusterPaths
  readonly config: EdgeConfig
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

const restartDelayMs = 200

/** Resolves when the edge serves. We are inside the holder's namespaces already, so it is started plainly. */
export async function superviseEdge(options: EdgeOptions, signal: AbortSignal): Promise<void> {
  const running = readRunningProcesses(options.paths).find(({ role }) => role === 'edge')
  if (running) watchEdge(running, options, signal)
  else await startEdge(options, signal)
}

async function startEdge(options: EdgeOptions, signal: AbortSignal): Promise<void> {
  const { paths, config, env, log } = options
  const configFile = `${paths.dir}/edge.json`
  await writeFile(configFile, JSON.stringify(config, null, 2), { mode: 0o600 })
  const edge = await startDetached({
    command: [process.execPath, fileURLToPath(new URL('./run-edge.ts', import.meta.url)), configFile],
    env,
    logFile: `${paths.logs}/edge.log`,
  })
  writeProcess(paths, { role: 'edge', ...edge.identity })
  log.info({ pid: edge.identity.pid }, 'edge started')
  await Promise.race([once(edge.progress), edge.exited])
  edge.release()
  watchEdge(edge.identity, options, signal)
}

/** Resolves at the first word on the progress pipe, or when it closes. */
function once(progress: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve) => progress.once('data', () => resolve()).once('close', () => resolve()))
}

function watchEdge(edge: ProcessIdentity, options: EdgeOptions, signal: AbortSignal): void {
  const { close } = watchExit(edge, () => {
    if (signal.aborted) return
    options.log.warn({ pid: edge.pid }, 'edge ended; it is started again')
    const timer = setTimeout(() => {
      startEdge(options, signal).catch((error: unknown) =>
        options.log.error({ error: String(error) }, 'edge does not start'),
      )
    }, restartDelayMs)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
  signal.addEventListener('abort', close, { once: true })
}
