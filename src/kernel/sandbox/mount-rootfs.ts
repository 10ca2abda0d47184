/** Mounts a container's root. Runs inside the container's new mount namespace. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { SystemCallError, checked, errnoOf, mount } from '../libc.ts'
import { chdir, setMountReadOnly } from '../libc-process.ts'
import { parseMountPoints, planHostRoot, type HostEntry, type HostRootStep } from './plan-host-root.ts'

const MS_NOSUID = 2
const MS_NODEV = 4
export const MS_BIND = 4096
export const MS_REC = 16384
const pageBytes = 4096

export interface RootfsSpec {
  /** Where the root is mounted: an existing or new empty directory. */
  readonly target: string
  /** Directory for what the container writes. */
  readonly scratch: string
  /** The same on a tmpfs, for state directories whose file system cannot carry an overlay. */
  readonly memoryScratch: string
  /** `host`: this machine's own files; else directories of image layers, lowest first. */
  readonly source: 'host' | readonly string[]
  /** With `host`: mounts that are no part of the machine's files (the cluster's own). */
  readonly leaveOut?: readonly string[]
}

export function mountRootfs(spec: RootfsSpec): void {
  mkdirSync(spec.target, { recursive: true })
  if (spec.source === 'host') mountHostRoot(spec)
  else mountOverlay(spec, spec.source, spec.target, 'root')
}

function mountOverlay(spec: RootfsSpec, layers: readonly string[], target: string, name: string): void {
  try {
    mountOverlayOn(spec.scratch, layers, target, name)
  } catch (error) {
    if (!(error instanceof SystemCallError && error.errno === errnoOf.EINVAL)) throw error
    mountOverlayOn(spec.memoryScratch, layers, target, name)
  }
}

/** `userxattr` is what a user namespace needs, and root accepts it; `volatile`: nobody mounts this layer again. */
function mountOverlayOn(scratch: string, layers: readonly string[], target: string, name: string): void {
  const upper = path.join(scratch, name, 'u')
  const work = path.join(scratch, name, 'w')
  mkdirSync(upper, { recursive: true })
  mkdirSync(work, { recursive: true })
  copyAttributes(layers.at(-1)!, upper)
  const { base, names } = shortLayers(layers)
  const data = `lowerdir=${names.toReversed().join(':')},upperdir=${upper},workdir=${work},userxattr,volatile`
  if (data.length >= pageBytes) throw new Error(`Cannot mount an image: ${layers.length} layers are too many`)
  // Lower directories relative to a common parent: mount data is limited to one page.
  checked('change directory', chdir(base), base)
  try {
    checked('mount image', mount('overlay', target, 'overlay', 0, data), `on ${target}`)
  } finally {
    chdir('/')
  }
}

function shortLayers(layers: readonly string[]): { base: string; names: readonly string[] } {
  const parents = new Set(layers.map((layer) => path.dirname(layer)))
  const base = [...parents][0]!
  if (layers.length < 8 || parents.size > 1) return { base: '/', names: layers }
  return { base, names: layers.map((layer) => path.basename(layer)) }
}

/** An overlay shows its upper directory's owner and mode. */
function copyAttributes(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from)
  try {
    chownSync(to, uid, gid)
  } catch (error) {
    // An owner outside of the user namespace shows as the overflow id and cannot be given.
    if (!['EINVAL', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
  chmodSync(to, mode & 0o7777)
}

function mountHostRoot(spec: RootfsSpec): void {
  // Asked first: the root about to be mounted is no part of the machine.
  const steps = hostRootSteps(spec.leaveOut ?? [])
  checked('mount root', mount('tmpfs', spec.target, 'tmpfs', MS_NODEV | MS_NOSUID, 'mode=0755,size=64m'), spec.target)
  for (const [index, step] of steps.entries()) applyUnlessGone(spec, step, index)
  linkSystemPaths(spec.target)
}

/** The machine's files come and go, above all in /tmp: what has gone since it was listed is not missed. */
function applyUnlessGone(spec: RootfsSpec, step: HostRootStep, index: number): void {
  try {
    applyStep(spec, step, index)
  } catch (error) {
    if (lstatSync(step.path, { throwIfNoEntry: false })) throw error
    lastSteps = undefined
  }
}

/** The top of the machine's files changes rarely; the containers of one deployment start at once. */
const keepStepsMs = 2_000
let lastSteps: { readonly key: string; readonly atMs: number; readonly steps: readonly HostRootStep[] } | undefined

function hostRootSteps(leaveOut: readonly string[]): readonly HostRootStep[] {
  const key = leaveOut.join(':')
  const nowMs = performance.now()
  if (lastSteps?.key === key && nowMs - lastSteps.atMs < keepStepsMs) return lastSteps.steps
  const isOwn = (point: string) => leaveOut.some((own) => `${point}/`.startsWith(`${own}/`))
  const mountPoints = parseMountPoints(readFileSync('/proc/thread-self/mountinfo', 'utf8'))
  const steps = planHostRoot(
    listDirectory,
    mountPoints.filter((point) => point !== '/' && !isOwn(point)),
  )
  lastSteps = { key, atMs: nowMs, steps }
  return steps
}

function applyStep(spec: RootfsSpec, step: HostRootStep, index: number): void {
  const target = spec.target + step.path
  if (step.type === 'link') return symlinkSync(readlinkSync(step.path), target)
  if (step.type === 'bind-file') {
    writeFileSync(target, '')
    return bindReadOnly(step.path, target)
  }
  mkdirSync(target, { recursive: true })
  if (step.type === 'directory') return copyAttributes(step.path, target)
  if (step.type === 'bind') return bindReadOnly(step.path, target)
  // A dozen overlays: on a tmpfs each takes a tenth of what it takes on a disk.
  return mountOverlayOn(spec.memoryScratch, [step.path], target, String(index))
}

function bindReadOnly(source: string, target: string): void {
  checked('bind', mount(source, target, null, MS_BIND | MS_REC, null), source)
  setMountReadOnly(target)
}

/** /run is the container's own, but some systems find their programs through links in it (NixOS). */
function linkSystemPaths(root: string): void {
  for (const entry of listDirectory('/run')) {
    if (entry.type === 'link') symlinkSync(readlinkSync(`/run/${entry.name}`), `${root}/run/${entry.name}`)
  }
}

function listDirectory(directory: string): HostEntry[] {
  return readdirSync(directory, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    type: entry.isSymbolicLink()
      ? 'link'
      : entry.isDirectory()
        ? 'directory'
        : entry.isFile() && lstatSync(`${directory}/${entry.name}`).size < 1 << 20
          ? 'file'
          : 'other',
  }))
}
