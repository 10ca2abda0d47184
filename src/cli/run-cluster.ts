/** Starting and stopping the processes of one cluster. */
import { mkdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { findMembers, foreignUserNamespace, listMountedNamespaces } from '#kernel/find-members.ts'
import { identifyProcess, isRunning, type ProcessIdentity, signalProcess } from '#kernel/process-identity.ts'
import { type DetachedProcess, startDetached } from '#kernel/start-detached.ts'
import { enterHolderCommand, startHolder } from '#kernel/holder.ts'
import { createProgressParser } from '#lib/progress.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { ProcessRole } from './cluster-record.ts'
import type { CliContext } from './context.ts'
import { controlPlaneFlags } from './control-plane-flags.ts'
import { type ProcessRecord, readRunningProcesses, writeProcess } from './open-cluster-records.ts'
import type { Steps } from './render-steps.ts'
import type { ClusterPaths } from './select-cluster-paths.ts'

const gracefulStopMs = 5000
const pollMs = 5

export interface Wait {
  readonly timeoutMs: number
  /** Return at this step already; absent: when everything is ready. */
  readonly until?: string
}

/** Starts what does not run: the holder, then the control plane (which starts the edge). Resolves when it is ready. */
export async function startCluster(context: CliContext, paths: ClusterPaths, steps: Steps, wait: Wait): Promise<void> {
  const holder = await ensureHolder(paths)
  if (findRole(paths, 'control-plane')) return
  const [enter = '', ...arguments_] = enterHolderCommand({ pid: holder.pid, privileged: context.uid === 0 })
  const controlPlane = await startDetached({
    command: [enter, ...arguments_, context.nodePath, ...controlPlaneFlags, context.programs.controlPlane, paths.dir],
    env: context.env,
    logFile: `${paths.logs}/control-plane.log`,
  })
  writeProcess(paths, { role: 'control-plane', ...controlPlane.identity })
  try {
    await waitUntilReady(controlPlane, `${paths.logs}/control-plane.log`, steps, wait, context.signal)
  } finally {
    controlPlane.release()
  }
}

async function ensureHolder(paths: ClusterPaths): Promise<ProcessIdentity> {
  const running = findRole(paths, 'holder')
  if (running) return running
  mkdirSync(paths.run, { recursive: true })
  const holder = await startHolder({ runDir: paths.run })
  writeProcess(paths, { role: 'holder', pid: holder.pid, startTime: holder.startTime })
  return holder
}

export function findRole(paths: ClusterPaths, role: ProcessRole): ProcessRecord | undefined {
  return readRunningProcesses(paths).find((process) => process.role === role)
}

async function waitUntilReady(
  controlPlane: DetachedProcess,
  log: string,
  steps: Steps,
  { timeoutMs, until }: Wait,
  signal: AbortSignal,
): Promise<void> {
  const ready = readUntil(until, controlPlane, steps, log)
  const died = controlPlane.exited.then((code) => {
    throw new CliError(exitCodes.failed, `the control plane ended with code ${code}`, { cause: lastLine(log), log })
  })
  const timeout = delay(timeoutMs, undefined, { ref: false }).then(() => {
    throw new CliError(exitCodes.timedOut, `the cluster was not ready after ${timeoutMs / 1000} s`, { log })
  })
  const interrupted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error)),
  )
  await Promise.race([ready, died, timeout, interrupted])
}

async function readUntil(
  until: string | undefined,
  controlPlane: DetachedProcess,
  steps: Steps,
  log: string,
): Promise<void> {
  const parse = createProgressParser()
  for await (const chunk of controlPlane.progress) {
    for (const progress of parse(String(chunk))) {
      if (progress.type === 'step') steps.done(progress.step, progress.detail)
      if (progress.type === 'ready' || (progress.type === 'step' && progress.step === until)) return
      if (progress.type === 'failed') {
        throw new CliError(progress.conflict ? exitCodes.conflict : exitCodes.failed, progress.message, { log })
      }
    }
  }
  // The pipe closed without a word: the process is ending, and `exited` tells with which code.
  await new Promise(() => {})
}

function lastLine(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? '').slice(0, 400)
}

/**
 * Ends every process of the cluster: its own, then the pods', then the holder with its namespaces.
 * @param graceful pods get SIGTERM and some seconds first
 */
export async function stopCluster(paths: ClusterPaths, graceful: boolean): Promise<void> {
  await endProcesses(
    readRunningProcesses(paths).filter((process) => process.role !== 'holder'),
    'SIGTERM',
  )
  const holder = findRole(paths, 'holder')
  if (!holder) return
  if (graceful) await endProcesses(membersOf(holder, paths), 'SIGTERM')
  for (let members = membersOf(holder, paths); members.length > 0; members = membersOf(holder, paths)) {
    await endProcesses(members, 'SIGKILL')
  }
  await endProcesses([holder], 'SIGKILL')
}

/** Everything that lives in the cluster's namespaces, except the holder. */
function membersOf(holder: ProcessIdentity, paths: ClusterPaths): ProcessIdentity[] {
  const userNamespace = foreignUserNamespace(holder.pid)
  const namespaces = [
    ...listMountedNamespaces(holder.pid, `${paths.run}/net`),
    ...(userNamespace ? [userNamespace] : []),
  ]
  return findMembers(namespaces)
    .filter((pid) => pid !== holder.pid)
    .flatMap((pid) => identifyProcess(pid) ?? [])
}

/** Signals, waits, and kills what is still there after the grace period. */
async function endProcesses(processes: readonly ProcessIdentity[], signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const process of processes) signalProcess(process, signal)
  const deadline = Date.now() + gracefulStopMs
  while (processes.some(isRunning)) {
    if (Date.now() > deadline) for (const process of processes) signalProcess(process, 'SIGKILL')
    await delay(pollMs)
  }
}
