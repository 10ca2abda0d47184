/** Extended attributes, whiteouts and pipes: what overlay layers need and node:fs lacks. */
import koffi from 'koffi'
import { checked, errnoOf, lastErrno, SystemCallError } from './libc.ts'

const libc = koffi.load('libc.so.6')
const lsetxattr = libc.func(
  'int lsetxattr(const char *path, const char *name, const uint8_t *value, size_t size, int flags)',
) as (path: string, name: string, value: Uint8Array, size: number, flags: number) => number
const lgetxattr = libc.func(
  'intptr_t lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
) as (path: string, name: string, value: Uint8Array, size: number) => number
const mknod = libc.func('int mknod(const char *path, uint32_t mode, uint64_t device)') as (
  path: string,
  mode: number,
  device: number,
) => number

const characterDevice = 0o020000
const pipe = 0o010000
const maxXattrBytes = 65_536

/** Sets an attribute of the file itself, never of what a symbolic link points to. */
export function setXattr(path: string, name: string, value: Uint8Array): void {
  checked('set attribute', lsetxattr(path, name, value, value.length, 0), `${name} of ${path}`)
}

/** The attribute's value; undefined if the file has none of that name. */
export function getXattr(path: string, name: string): Uint8Array | undefined {
  const buffer = new Uint8Array(maxXattrBytes)
  const size = lgetxattr(path, name, buffer, buffer.length)
  if (size >= 0) return buffer.slice(0, size)
  if (lastErrno() === errnoOf.ENODATA) return undefined
  throw new SystemCallError('read attribute', lastErrno(), `${name} of ${path}`)
}

/** A character device 0/0, overlayfs' mark of a removed name; no privilege is needed since Linux 5.8. */
export function makeWhiteout(path: string): void {
  checked('make whiteout', mknod(path, characterDevice, 0), path)
}

export function makePipe(path: string, mode: number): void {
  checked('make pipe', mknod(path, pipe | mode, 0), path)
}
