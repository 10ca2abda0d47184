/** Writes and removes our entry in kubeconfig files: locked, atomic, permissions kept. */
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, exitCodes } from './cli-error.ts'
import type { KubeconfigEntry } from './kubeconfig-entry.ts'
import { type ContextChange, hasContext, renderAddedEntry, renderRemovedEntry } from './render-kubeconfig.ts'

const lockTimeoutMs = 5000
const lockRetryMs = 20

/** The file that kubectl itself would write to: the first of $KUBECONFIG, else ~/.kube/config. */
export function selectKubeconfigFile(env: Readonly<Record<string, string | undefined>>, homeDir: string): string {
  const first = (env['KUBECONFIG'] ?? '').split(path.delimiter).find((file) => file !== '')
  return first ?? path.join(homeDir, '.kube/config')
}

export async function addToKubeconfig(
  file: string,
  entry: KubeconfigEntry,
  switchContext: boolean,
): Promise<ContextChange> {
  return rewrite(file, (text) => renderAddedEntry(text, entry, { switchContext }))
}

/** Does nothing when the file or our entry is not there. */
export async function removeFromKubeconfig(file: string, context: string, restore?: string): Promise<void> {
  if (!existsSync(file)) return
  await rewrite(file, (text) =>
    hasContext(text, context) ? renderRemovedEntry(text, context, restore) : { text, switched: false, before: '' },
  )
}

async function rewrite(file: string, change: (text: string) => ContextChange): Promise<ContextChange> {
  const target = path.resolve(file)
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 })
  using _lock = await lockAsKubectlDoes(target)
  const before = existsSync(target) ? readFileSync(target, 'utf8') : ''
  const changed = change(before)
  if (changed.text === before) return changed
  const fresh = `${target}.${process.pid}.new`
  writeFileSync(fresh, changed.text, { mode: 0o600 })
  if (existsSync(target)) chmodSync(fresh, statSync(target).mode & 0o777)
  renameSync(fresh, target)
  return changed
}

/** kubectl's own convention: FILE.lock exists while somebody writes. */
async function lockAsKubectlDoes(file: string): Promise<Disposable> {
  const lock = `${file}.lock`
  for (const end = Date.now() + lockTimeoutMs; ; await delay(lockRetryMs)) {
    try {
      closeSync(openSync(lock, 'wx', 0o600))
      return { [Symbol.dispose]: () => rmSync(lock, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (Date.now() > end) {
        throw new CliError(exitCodes.conflict, `cannot write ${file}`, {
          cause: `${lock} exists: another program is writing it, or died while it did`,
          fix: `rm ${lock}`,
        })
      }
    }
  }
}
