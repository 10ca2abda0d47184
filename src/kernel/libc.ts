/** The C library as typed calls, by koffi: the only place that declares foreign functions. */
import { promisify } from 'node:util'
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')

/** A failed call. `errno` and its name are the kernel's own. */
export class SystemCallError extends Error {
  readonly errno: number
  readonly call: string
  constructor(call: string, errno: number, detail = '') {
    super(`Cannot ${call}${detail && ` ${detail}`}: ${errnoName(errno)}`)
    this.name = 'SystemCallError'
    this.errno = errno
    this.call = call
  }
}

const errnoNames: ReadonlyMap<number, string> = new Map(
  Object.entries(koffi.os.errno).map(([name, number]) => [number, name]),
)

export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`
}

export const errnoOf = koffi.os.errno

/** Returns `result`, or throws the errno of the call just made when it is negative. */
export function checked(call: string, result: number, detail?: string): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno(), detail)
  return result
}

export const lastErrno = (): number => koffi.errno()

export const socket = libc.func('int socket(int domain, int type, int protocol)') as (
  domain: number,
  type: number,
  protocol: number,
) => number
export const bind = libc.func('int bind(int fd, const uint8_t *address, uint32_t length)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number
export const connect = libc.func('int connect(int fd, const uint8_t *address, uint32_t length)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number
const sendFunction = libc.func('intptr_t send(int fd, const uint8_t *data, size_t length, int flags)')
export const send = sendFunction as (fd: number, data: Uint8Array, length: number, flags: number) => number
/** The same in another thread; -1 leaves no error number behind. The memory must stay as it is meanwhile. */
export const sendMeanwhile = promisify(sendFunction.async) as (...args: Parameters<typeof send>) => Promise<number>
export const recv = libc.func('intptr_t recv(int fd, _Out_ uint8_t *data, size_t length, int flags)') as (
  fd: number,
  data: Uint8Array,
  length: number,
  flags: number,
) => number
/** `entries`: pollfd structures of 8 bytes (int fd, short events, short revents). */
export const poll = libc.func('int poll(_Inout_ uint8_t *entries, unsigned long count, int timeout_ms)') as (
  entries: Uint8Array,
  count: number,
  timeoutMs: number,
) => number
export const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
) as (fd: number, level: number, name: number, value: Uint8Array, length: number[]) => number
export const setsockopt = libc.func(
  'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)',
) as (fd: number, level: number, name: number, value: Uint8Array, length: number) => number
export const close = libc.func('int close(int fd)') as (fd: number) => number
export const open = libc.func('int open(const char *path, int flags, uint32_t mode)') as (
  path: string,
  flags: number,
  mode: number,
) => number
export const flock = libc.func('int flock(int fd, int operation)') as (fd: number, operation: number) => number
export const setns = libc.func('int setns(int fd, int kind)') as (fd: number, kind: number) => number
export const unshare = libc.func('int unshare(int flags)') as (flags: number) => number
export const mount = libc.func(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
) as (source: string | null, target: string, type: string | null, flags: number, data: string | null) => number
export const umount2 = libc.func('int umount2(const char *target, int flags)') as (
  target: string,
  flags: number,
) => number

/** Calls back while `fd` is readable or has an error to tell (uv_poll). Keep the handle: when it is collected, watching ends. */
export function pollReadable(fd: number, onReadable: () => void): { close(): void; unref(): void } {
  let isOpen = true
  const watch = (status: unknown): void => {
    onReadable()
    // libuv ends watching at an error (an ICMP error, a subscription that overflowed). Reading has just cleared it.
    if (status !== 0 && isOpen) handle.start({ readable: true }, watch)
  }
  const handle = koffi.node.poll(fd, { readable: true }, watch)
  return {
    close: () => {
      isOpen = false
      handle.close()
    },
    unref: () => handle.unref(),
  }
}
