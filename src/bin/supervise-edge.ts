/**
 * Keeps the edge process running: adopts one that outlived us, starts it when there is none, again when it ends. The
 * sockets of cluster DNS stay open here, whatever happens to it.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readRunningProcesses, writeProcess } from '#cli/open-cluster-records.ts'
import type { ClusterPaths } from '#cli/select-cluster-paths.ts'
import { type ProcessIdentity, signalProcess } from '#kernel/process-identity.ts'
import { startDetached } from '#kernel/start-detached.ts'
import { watchExit } from '#kernel/watch-exit.ts'
import type { Log } from '#observe/log.ts'
import { copyDnsSockets, type DnsSockets, inheritedOf } from './dns-sockets.ts'
import type { EdgeConfig } from './edge-config.ts'

export interface EdgeOptions {
  readonly paths: ClusterPaths
  /** As it should be now; asked for before each start. */
  readonly config: () => EdgeConfig
  /** Asked for when no running edge has them. */
  readonly openSockets: () => Promise<DnsSockets>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

type Supervision = Omit<EdgeOptions, 'openSockets'> & { readonly sockets: DnsSockets }

/** One that ends sooner than this after its start would end again. */
const soundMs = 5_000
const restartDelayMs = 200
const gracefulStopMs = 3_000

/** Resolves when the edge serves. One that was told something else than it would be now is replaced. We are inside the holder's namespaces already, so it is started plainly. */
export async function superviseEdge(options: EdgeOptions, signal: AbortSignal): Promise<void> {
  const running = readRunningProcesses(options.paths).find(({ role }) => role === 'edge')
  const told = running && (await readFile(configFileOf(options.paths), 'utf8').catch(() => ''))
  const kept = running && keptSockets(running, told ?? '', options)
  if (running && kept && told === renderConfig(options.config())) {
    return watchEdge(running, { ...options, sockets: kept }, signal)
  }
  if (running) await endEdge(running)
  await startEdge({ ...options, sockets: kept ?? (await options.openSockets()) }, signal)
}

/** Undefined when that edge has none for us: it was started otherwise. */
function keptSockets(edge: ProcessIdentity, told: string, { config, log }: EdgeOptions): DnsSockets | undefined {
  try {
    const { udpSockets } = JSON.parse(told) as Partial<EdgeConfig>
    return udpSockets === config().udpSockets ? copyDnsSockets(edge, udpSockets) : undefined
  } catch (error) {
    log.warn({ err: error, pid: edge.pid }, "Cannot take over the edge's sockets; names do not resolve for a moment")
    return undefined
  }
}

const configFileOf = (paths: ClusterPaths): string => `${paths.dir}/edge.json`
const renderConfig = (config: EdgeConfig): string => JSON.stringify(config, null, 2)

/** Without a word to tell it is killed after some seconds. */
async function endEdge(edge: ProcessIdentity): Promise<void> {
  const ended = new Promise<void>((resolve) => watchExit(edge, resolve))
  const killer = setTimeout(() => signalProcess(edge, 'SIGKILL'), gracefulStopMs)
  signalProcess(edge, 'SIGTERM')
  await ended
  clearTimeout(killer)
}

async function startEdge(options: Supervision, signal: AbortSignal): Promise<void> {
  const { paths, config, env, log, sockets } = options
  const configFile = configFileOf(paths)
  await writeFile(configFile, renderConfig(config()), { mode: 0o600 })
  const edge = await startDetached({
    command: [process.execPath, fileURLToPath(new URL('./run-edge.ts', import.meta.url)), configFile],
    env,
    logFile: `${paths.logs}/edge.log`,
    inherited: inheritedOf(sockets),
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

function watchEdge(edge: ProcessIdentity, options: Supervision, signal: AbortSignal): void {
  const sinceMs = performance.now()
  const { close } = watchExit(edge, () => {
    if (signal.aborted) return
    options.log.warn({ pid: edge.pid }, 'edge ended; it is started again')
    const delayMs = performance.now() - sinceMs < soundMs ? restartDelayMs : 0
    const timer = setTimeout(() => {
      startEdge(options, signal).catch((error: unknown) =>
        options.log.error({ error: String(error) }, 'edge does not start'),
      )
    }, delayMs)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
  signal.addEventListener('abort', close, { once: true })
}
