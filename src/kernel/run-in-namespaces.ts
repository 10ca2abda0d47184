/** Runs a program to its end in fresh namespaces of its own, as root or as an ordinary user. For trying things out. */
import { spawn } from 'node:child_process'
import { findProgram } from './find-program.ts'
import { userMapping } from './holder.ts'

export interface FinishedProgram {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** New mount, network, host-name and IPC namespaces; for an ordinary user also a user namespace in which it is root. */
export async function runInNamespaces(command: readonly string[]): Promise<FinishedProgram> {
  const user = process.getuid?.() === 0 ? [] : ['--user', ...userMapping()]
  const child = spawn(findProgram('unshare'), [...user, '--mount', '--net', '--uts', '--ipc', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ exitCode: code ?? 1, stdout, stderr }))
  })
}
