/** Removes directories that pods wrote into: their files may belong to ids that only a user namespace may touch. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { findProgram } from './find-program.ts'
import { userMapping } from './holder.ts'

/** Does nothing when the directory is not there. */
export async function removeTree(dir: string): Promise<void> {
  if (!existsSync(dir)) return
  if (process.getuid?.() !== 0) {
    await promisify(execFile)(findProgram('unshare'), ['--user', ...userMapping(), findProgram('rm'), '-rf', '--', dir])
  }
  await rm(dir, { recursive: true, force: true })
}
