/** Advisory locks between processes (flock): the kernel lets go when the holder dies. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errnoOf, flock, lastErrno, SystemCallError } from './libc.ts'

const exclusiveNow = 2 | 4
const retryMs = 20

/** Waits for the lock until `signal` aborts (throws its reason). The file is created when missing. */
export async function lockFile(file: string, signal: AbortSignal): Promise<Disposable> {
  mkdirSync(path.dirname(file), { recursive: true })
  const fd = openSync(file, 'a')
  try {
    while (flock(fd, exclusiveNow) < 0) {
      if (lastErrno() !== errnoOf.EWOULDBLOCK) throw new SystemCallError('lock', lastErrno(), file)
      await delay(retryMs, undefined, { signal })
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { [Symbol.dispose]: () => closeSync(fd) }
}
