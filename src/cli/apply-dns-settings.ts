/** Lets the edge process read its settings anew: it ends, and the control plane starts it again. */
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { isRunning, signalProcess } from '#kernel/process-identity.ts'
import { dnsStatusPort, planAddresses } from '#lib/address-plan.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { ClusterRecord } from './cluster-record.ts'
import { findRole } from './run-cluster.ts'
import type { ClusterPaths } from './select-cluster-paths.ts'

const patienceMs = 15_000
const pollMs = 20

/** Resolves when the new one has its sockets. */
export async function applyDnsSettings(paths: ClusterPaths, record: ClusterRecord, signal: AbortSignal): Promise<void> {
  const former = findRole(paths, 'edge')
  if (former) signalProcess(former, 'SIGTERM')
  const deadlineMs = performance.now() + patienceMs
  const status = { host: planAddresses(record.index).hostLoopbackIp, port: dnsStatusPort }
  const isServed = async () => !(former && isRunning(former)) && findRole(paths, 'edge') && (await isOpen(status))
  while (!(await isServed())) {
    signal.throwIfAborted()
    if (performance.now() > deadlineMs) {
      throw new CliError(exitCodes.timedOut, `DNS has not come back after ${patienceMs / 1000} s`, {
        log: `${paths.logs}/edge.log`,
      })
    }
    await delay(pollMs)
  }
}

function isOpen(place: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(place, () => resolve(true))
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy())
  })
}
