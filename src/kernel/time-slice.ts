/**
 * How long a thread may run before others of the same priority get their turn. A thread with a short slice that wakes up
 * runs before whoever has a longer one (Linux 6.12 and later; older kernels accept the wish and change nothing). It gets no
 * more processor time than before, and needs no privilege.
 */
import koffi from 'koffi'

const libc = koffi.load('libc.so.6')
const getAttributes = libc.func(
  'long syscall(long number, long thread, _Out_ uint8_t *attributes, long size, long flags)',
) as (number: number, thread: number, attributes: Uint8Array, size: number, flags: number) => number
const setAttributes = libc.func('long syscall(long number, long thread, const uint8_t *attributes, long flags)') as (
  number: number,
  thread: number,
  attributes: Uint8Array,
  flags: number,
) => number

const SYS_sched_setattr = process.arch === 'arm64' ? 274 : 314
const SYS_sched_getattr = process.arch === 'arm64' ? 275 : 315
const SCHED_OTHER = 0
const SCHED_FLAG_RESET_ON_FORK = 1n
/** `struct sched_attr` as it was at first; of the calling thread. */
const attributesSize = 48
const [flagsAt, runtimeAt] = [8, 24]
const callingThread = 0
/** The shortest that the kernel grants. */
const shortSliceNs = 100_000n

/**
 * Of the calling thread. `inherited`: also of the threads and processes that it starts from now on; otherwise those get the
 * default. @returns whether the kernel has taken the wish; it is no more than that
 */
export function preferShortSlices({ inherited }: { readonly inherited: boolean }): boolean {
  const bytes = new Uint8Array(attributesSize)
  if (getAttributes(SYS_sched_getattr, callingThread, bytes, bytes.length, 0) !== 0) return false
  const view = new DataView(bytes.buffer)
  // Whoever has given the process another policy knows better.
  if (view.getUint32(4, true) !== SCHED_OTHER) return false
  const flags = view.getBigUint64(flagsAt, true)
  view.setBigUint64(flagsAt, inherited ? flags : flags | SCHED_FLAG_RESET_ON_FORK, true)
  view.setBigUint64(runtimeAt, shortSliceNs, true)
  return setAttributes(SYS_sched_setattr, callingThread, bytes, 0) === 0
}

/** Of the calling thread, in nanoseconds; undefined where the kernel does not tell. */
export function timeSliceNs(): bigint | undefined {
  const bytes = new Uint8Array(attributesSize)
  if (getAttributes(SYS_sched_getattr, callingThread, bytes, bytes.length, 0) !== 0) return undefined
  return new DataView(bytes.buffer).getBigUint64(runtimeAt, true)
}
