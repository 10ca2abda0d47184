/** Runs a scenario (a script) inside a holder of its own: `node enter-holder.ts DIR SCRIPT…`. Ends everything it made. */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { enterHolderCommand, startHolder } from '../holder.ts'
import { findMembers, listMountedNamespaces } from '../find-members.ts'
import { identifyProcess, signalProcess } from '../process-identity.ts'

const [base = '', ...scripts] = process.argv.slice(2)
const runDir = path.join(base, 'run')
mkdirSync(runDir, { recursive: true })
const holder = await startHolder({ runDir })
try {
  // One after the other: a later script finds what an earlier one left, also when that one killed itself.
  for (const script of scripts) {
    const [program = '', ...args] = enterHolderCommand(holder)
    const child = spawn(program, [...args, process.execPath, script, base], { stdio: 'inherit' })
    const code = await new Promise<number>((resolve) =>
      child.once('exit', (exitCode, signal) => resolve(exitCode ?? (signal === 'SIGKILL' ? 0 : 1))),
    )
    if (code !== 0) process.exitCode = code
  }
} finally {
  // What a failed scenario has left running.
  for (const pid of findMembers(listMountedNamespaces(holder.pid, path.join(runDir, 'net')))) {
    const member = identifyProcess(pid)
    if (member) signalProcess(member, 'SIGKILL')
  }
  signalProcess(holder, 'SIGKILL')
}
