/** The second half of the C library: processes, terminals and descriptors (see libc.ts for sockets and namespaces). */
import koffi from 'koffi'
import { checked, close } from './libc.ts'

const libc = koffi.load('libc.so.6')

const SYS_mount_setattr = 442
const SYS_pidfd_open = 434
const SYS_close_range = 436
const SYS_pidfd_getfd = 438
const SYS_pidfd_send_signal = 424
const O_CLOEXEC = 0x80000
const WNOHANG = 1
const AT_FDCWD = -100

export const ioctlNumber = libc.func('int ioctl(int fd, unsigned long request, intptr_t argument)') as (
  fd: number,
  request: number,
  argument: number,
) => number
export const ioctlBytes = libc.func('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)') as (
  fd: number,
  request: number,
  argument: Uint8Array,
) => number
export const chdir = libc.func('int chdir(const char *path)') as (path: string) => number
export const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Inout_ uint8_t *value, _Inout_ uint32_t *length)',
) as (fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array) => number

const sethostnameCall = libc.func('int sethostname(const char *name, size_t length)') as (
  name: string,
  length: number,
) => number
const pipe2 = libc.func('int pipe2(_Out_ int *fds, int flags)') as (fds: Int32Array, flags: number) => number
const fcntl = libc.func('int fcntl(int fd, int command, intptr_t argument)') as (
  fd: number,
  command: number,
  argument: number,
) => number
const waitpidCall = libc.func('int waitpid(int pid, _Out_ int *status, int options)') as (
  pid: number,
  status: Int32Array,
  options: number,
) => number
const syscall3 = libc.func('long syscall(long number, long a, long b, long c)') as (
  number: number,
  a: number,
  b: number,
  c: number,
) => number
const sendSignalCall = libc.func('long syscall(long number, long fd, long signal, void *info, long flags)') as (
  number: number,
  fd: number,
  signal: number,
  info: null,
  flags: number,
) => number
const mountSetattrCall = libc.func(
  'long syscall(long number, long dirfd, const char *path, long flags, const uint8_t *attributes, long size)',
) as (number: number, dirfd: number, path: string, flags: number, attributes: Uint8Array, size: number) => number

export function setHostname(name: string): void {
  checked('set the host name', sethostnameCall(name, Buffer.byteLength(name)), name)
}

/** A pipe whose ends are closed on exec. */
export function makePipe(): { readonly readFd: number; readonly writeFd: number } {
  const fds = new Int32Array(2)
  checked('make a pipe', pipe2(fds, O_CLOEXEC))
  return { readFd: fds[0]!, writeFd: fds[1]! }
}

export function setNonBlocking(fd: number): void {
  const F_GETFL = 3
  const F_SETFL = 4
  const flags = checked('read descriptor flags', fcntl(fd, F_GETFL, 0))
  checked('set descriptor flags', fcntl(fd, F_SETFL, flags | 0x800))
}

/** What this process was given by whoever started it must not get into the processes that it starts. */
export function closeInheritedOnExec(): void {
  const CLOSE_RANGE_CLOEXEC = 4
  checked('mark descriptors', syscall3(SYS_close_range, 3, 0xffffffff, CLOSE_RANGE_CLOEXEC))
}

/** A descriptor of a process; throws SystemCallError (ESRCH) when it has gone. CLOEXEC by nature. */
export function openPidfd(pid: number): number {
  return checked('open process', syscall3(SYS_pidfd_open, pid, 0, 0), String(pid))
}

/** A copy of descriptor `fd` of another process. */
export function copyFdFrom(pidfd: number, fd: number): number {
  return checked('copy a descriptor', syscall3(SYS_pidfd_getfd, pidfd, fd, 0))
}

/** @returns whether the process was still there */
export function signalPidfd(pidfd: number, signal: number): boolean {
  return sendSignalCall(SYS_pidfd_send_signal, pidfd, signal, null, 0) === 0
}

/** Reaps a child of this process if it has ended. @returns its exit code (128 + n for signal n) */
export function reapChild(pid: number): number | undefined {
  const status = new Int32Array(1)
  if (waitpidCall(pid, status, WNOHANG) !== pid) return undefined
  const signal = status[0]! & 0x7f
  return signal === 0 ? (status[0]! >> 8) & 0xff : 128 + signal
}

/** Makes a mount and everything below it read-only. */
export function setMountReadOnly(path: string): void {
  const AT_RECURSIVE = 0x8000
  const attributes = new Uint8Array(32)
  attributes[0] = 1
  const result = mountSetattrCall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, attributes, 32)
  checked('make read-only', result, path)
}

/** The error that a socket met while connecting; 0 when it is connected. */
export function takeSocketError(fd: number): number {
  const value = new Uint8Array(4)
  checked('read socket error', getsockopt(fd, 1, 4, value, Uint32Array.of(4)))
  return new DataView(value.buffer).getInt32(0, true)
}

/** Resolves once `fd` can be written to, or has failed. */
export function untilWritable(fd: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      handle.close()
      signal.removeEventListener('abort', onAbort)
      end()
    }
    const onAbort = () => finish(() => reject(signal.reason as Error))
    const handle = koffi.node.poll(fd, { writable: true, disconnect: true }, () => finish(resolve))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

export function closeAll(fds: readonly (number | undefined)[]): void {
  for (const fd of fds) if (fd !== undefined) close(fd)
}
