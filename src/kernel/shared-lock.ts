/** Many may use a thing, one may tidy it: shared and exclusive flock(2) that is taken at once or not at all. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { errnoOf, flock, lastErrno, SystemCallError } from './libc.ts'

const operations = { shared: 1, exclusive: 2 } as const
const withoutWaiting = 4

/** Undefined if another process (or another lock of this one) is in the way. The file is created when missing. */
export function tryLock(file: string, mode: keyof typeof operations): Disposable | undefined {
  mkdirSync(path.dirname(file), { recursive: true })
  const fd = openSync(file, 'a')
  if (flock(fd, operations[mode] | withoutWaiting) === 0) return { [Symbol.dispose]: () => closeSync(fd) }
  const errno = lastErrno()
  closeSync(fd)
  if (errno === errnoOf.EWOULDBLOCK) return undefined
  throw new SystemCallError('lock', errno, file)
}
