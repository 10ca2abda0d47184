/** Pseudo terminals: one opened from a container's own devpts, so that `tty` inside prints a path that exists there. */
import { checked, close, errnoOf, open, SystemCallError } from '../libc.ts'
import { ioctlBytes, ioctlNumber } from '../libc-process.ts'

const O_RDWR = 2
const O_NOCTTY = 0x100
const O_CLOEXEC = 0x80000
const TIOCSPTLCK = 0x40045431
const TIOCGPTPEER = 0x5441
const TIOCSWINSZ = 0x5414

export interface Terminal {
  /** Our side. */
  readonly masterFd: number
  /** The side that becomes stdin, stdout and stderr of the process. Close it after the start. */
  readonly slaveFd: number
}

/** `ptmx`: path of a pts/ptmx file, for example /proc/PID/root/dev/pts/ptmx. */
export function openTerminal(ptmx: string): Terminal {
  const masterFd = checked('open a terminal', open(ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC, 0), ptmx)
  try {
    checked('unlock a terminal', ioctlBytes(masterFd, TIOCSPTLCK, new Uint8Array(4)))
    const slaveFd = checked('open a terminal', ioctlNumber(masterFd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC))
    return { masterFd, slaveFd }
  } catch (error) {
    close(masterFd)
    throw error
  }
}

/** Sizes of a terminal that has gone are of no use to anybody: that failure is no failure. */
export function resizeTerminal(masterFd: number, columns: number, rows: number): void {
  const size = new Uint8Array(Uint16Array.of(rows, columns, 0, 0).buffer)
  try {
    checked('resize a terminal', ioctlBytes(masterFd, TIOCSWINSZ, size))
  } catch (error) {
    if (!(error instanceof SystemCallError && error.errno === errnoOf.EIO)) throw error
  }
}
