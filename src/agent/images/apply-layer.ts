/** Writes the entries of one layer below a directory. Runs in a Worker: synchronous calls are faster and may block. */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join, relative, sep } from 'node:path'
import { type LayerEntry, type LayerHeader, type LayerPath, planLayerEntry, selectXattrs } from './plan-layer-entry.ts'
import { resolveInside } from './probe-path-inside.ts'

/**
 * `overlay`: removals are written as overlayfs marks, for a directory that becomes a lower layer of its own.
 * `flat`: removals are carried out, for a directory that holds the layers below already.
 */
export type LayerForm = 'overlay' | 'flat'

/** The file system or the kernel refuses overlayfs' marks; the image's layers must be flattened into one directory. */
export class OverlayMarkRefused extends Error {}

export interface LayerWriter {
  /** `body` yields the bytes of a file; it must be read to its end for every entry. */
  write(header: LayerHeader, body: AsyncIterable<Uint8Array>): Promise<void>
  /** Sets what had to wait: modes and times of directories. */
  finish(): void
  readonly skippedDevices: number
}

export function openLayerWriter(root: string, form: LayerForm): LayerWriter {
  const state: State = { root, form, parents: new Map(), made: new Set(), removed: new Set(), directories: new Map() }
  let skippedDevices = 0
  return {
    get skippedDevices() {
      return skippedDevices
    },
    finish: () => finishDirectories(state),
    write: async (header, body) => {
      const entry = planLayerEntry(header)
      if (entry.kind === 'skip' && entry.why === 'device') skippedDevices++
      // Loaded when first needed: most layers need no system calls, and loading costs more than unpacking them.
      if (needsSystemCalls(entry, header)) state.calls ??= await import('#kernel/xattr.ts')
      await writeEntry(state, entry, { header, body })
    },
  }
}

interface State {
  readonly root: string
  readonly form: LayerForm
  /** Real directories of paths already resolved; cleared when a symbolic link or a removal could change them. */
  readonly parents: Map<string, string>
  /** Real paths that this layer has made. */
  readonly made: Set<string>
  /** Real paths that this layer has marked as removed from the layers below. */
  readonly removed: Set<string>
  readonly directories: Map<string, LayerHeader>
  calls?: Calls
}

type Calls = typeof import('#kernel/xattr.ts')

function callsOf({ calls }: State): Calls {
  if (!calls) throw new Error('the system calls of a layer are not loaded')
  return calls
}

const needsSystemCalls = ({ kind }: LayerEntry, header: LayerHeader) =>
  kind === 'whiteout' || kind === 'opaque' || kind === 'pipe' || selectXattrs(header).length > 0

interface Source {
  readonly header: LayerHeader
  readonly body: AsyncIterable<Uint8Array>
}

async function writeEntry(state: State, entry: LayerEntry, { header, body }: Source): Promise<void> {
  if (entry.kind === 'skip') return drain(body)
  if (entry.kind === 'opaque') return makeOpaque(state, directoryAt(state, entry.path))
  if (entry.kind === 'directory' && entry.path.length === 0) {
    state.directories.set(state.root, header)
    return
  }
  const path = join(directoryAt(state, entry.path.slice(0, -1)), entry.path.at(-1)!)
  if (entry.kind === 'whiteout') return removeBelow(state, path)
  if (entry.kind === 'directory') return makeDirectory(state, path, header)
  clearWay(state, path)
  if (entry.kind === 'file') await writeFile(state, path, { header, body })
  else makeSpecial(state, entry, { path, header })
  state.made.add(path)
}

function makeSpecial(state: State, entry: LayerEntry, { path, header }: { path: string; header: LayerHeader }): void {
  if (entry.kind === 'link') {
    const source = join(directoryAt(state, entry.target.slice(0, -1)), entry.target.at(-1) ?? '.')
    return linkSync(source, path)
  }
  if (entry.kind === 'symlink') {
    symlinkSync(entry.target, path)
    state.parents.clear()
  } else if (entry.kind === 'pipe') callsOf(state).makePipe(path, 0o600)
  own(() => lchownSync(path, header.uid ?? 0, header.gid ?? 0))
  if (entry.kind === 'pipe') chmodSync(path, modeOf(header, 0o644))
  const time = header.mtime ?? new Date(0)
  lutimesSync(path, time, time)
}

async function writeFile(state: State, path: string, { header, body }: Source): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  const fd = openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  try {
    for await (const chunk of body) {
      for (let offset = 0; offset < chunk.length;) offset += writeSync(fd, chunk, offset)
    }
    own(() => fchownSync(fd, header.uid ?? 0, header.gid ?? 0))
    setXattrs(state, path, header)
    fchmodSync(fd, modeOf(header, 0o644))
    const time = header.mtime ?? new Date(0)
    futimesSync(fd, time, time)
  } finally {
    closeSync(fd)
  }
}

/** Without a header: a parent that the layer uses but does not describe. */
function makeDirectory(state: State, path: string, header?: LayerHeader): void {
  const wasRemoved = state.removed.has(path)
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    clearWay(state, path)
    mkdirSync(path, header ? 0o700 : 0o755)
  }
  if (wasRemoved) makeOpaque(state, path)
  state.made.add(path)
  if (header) state.directories.set(path, header)
}

/** A later entry of a name replaces an earlier one. */
function clearWay(state: State, path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return
  rmSync(path, { recursive: true, force: true })
  if (!found.isFile()) forget(state, path)
}

function forget(state: State, path: string): void {
  state.parents.clear()
  const below = (known: string) => known === path || known.startsWith(`${path}/`)
  for (const known of state.directories.keys()) if (below(known)) state.directories.delete(known)
  for (const set of [state.made, state.removed]) for (const known of set) if (below(known)) set.delete(known)
}

/** A removal concerns the layers below only: what this layer itself has made stays. */
function removeBelow(state: State, path: string): void {
  if (hasMade(state, path)) {
    if (lstatSync(path).isDirectory()) makeOpaque(state, path)
    return
  }
  clearWay(state, path)
  if (state.form === 'overlay') mark(() => callsOf(state).makeWhiteout(path))
  state.removed.add(path)
}

function makeOpaque(state: State, directory: string): void {
  if (state.form === 'overlay') return mark(() => setOpaque(callsOf(state), directory))
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    if (!hasMade(state, path)) clearWay(state, path)
    else if (lstatSync(path).isDirectory()) makeOpaque(state, path)
  }
}

const hasMade = (state: State, path: string) =>
  state.made.has(path) || [...state.made].some((known) => known.startsWith(`${path}/`))

/** Pods mount with `userxattr`, which reads the user attribute; the trusted one, for other mounts, needs the real root. */
function setOpaque({ setXattr }: Calls, directory: string): void {
  const yes = new TextEncoder().encode('y')
  setXattr(directory, 'user.overlay.opaque', yes)
  attempt(() => setXattr(directory, 'trusted.overlay.opaque', yes))
}

function attempt(action: () => void): Error | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    return error as Error
  }
}

function mark(action: () => void): void {
  const failure = attempt(action)
  if (failure) throw new OverlayMarkRefused(failure.message, { cause: failure })
}

/** The real directory of a path; made if it is missing. A file in the way makes the caller's next call fail. */
function directoryAt(state: State, path: LayerPath): string {
  const name = path.at(-1)
  if (name === undefined) return state.root
  const key = path.join('/')
  const known = state.parents.get(key)
  if (known !== undefined) return known
  const directory = enter(state, directoryAt(state, path.slice(0, -1)), name)
  state.parents.set(key, directory)
  return directory
}

function enter(state: State, parent: string, name: string): string {
  const path = join(parent, name)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isSymbolicLink()) {
    const inside = relative(state.root, path).split(sep)
    const directory = resolveInside(state.root, inside)
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    return directory
  }
  if (found && !state.removed.has(path)) return path
  makeDirectory(state, path)
  return path
}

function finishDirectories(state: State): void {
  // Deepest first: a directory's own mode could forbid entering it, and changes inside it set its time.
  const paths = [...state.directories.keys()].toSorted((a, b) => b.length - a.length)
  for (const path of paths) {
    const header = state.directories.get(path)!
    own(() => lchownSync(path, header.uid ?? 0, header.gid ?? 0))
    setXattrs(state, path, header)
    chmodSync(path, modeOf(header, 0o755))
    const time = header.mtime ?? new Date(0)
    utimesSync(path, time, time)
  }
}

/** Attributes are an extra: file systems without them still hold the image. */
function setXattrs(state: State, path: string, header: LayerHeader): void {
  for (const [name, value] of selectXattrs(header))
    attempt(() => callsOf(state).setXattr(path, name, new TextEncoder().encode(value)))
}

/** Owners that this user namespace does not map cannot be set; the file then belongs to whoever unpacks. */
function own(change: () => void): void {
  const failure = attempt(change) as NodeJS.ErrnoException | undefined
  if (failure && failure.code !== 'EPERM' && failure.code !== 'EINVAL') throw failure
}

const modeOf = (header: LayerHeader, otherwise: number) => (header.mode ?? otherwise) & 0o7777

async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of body);
}
