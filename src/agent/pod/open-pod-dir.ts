/** A pod's files: what a later agent needs to go on, and the containers' outputs. */
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { PersistentRecord } from './container-record.ts'

/** sandbox.json: written once, when the pod's network exists. */
export interface SandboxRecord {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly node: string
  /** Absent: the pod uses its node's network. */
  readonly ip?: string
  /** Only beside `ip`. */
  readonly ip6?: string
  readonly startedAtMs: number
}

export type PodAddressPair = Pick<SandboxRecord, 'ip' | 'ip6'>

/** In the order in which the API shows them. */
export function addressesOf(sandbox: SandboxRecord | undefined): PodAddressPair {
  if (sandbox?.ip === undefined) return {}
  const { ip, ip6 } = sandbox
  return { ip, ...(ip6 !== undefined && { ip6 }) }
}

export interface PodDir {
  readonly root: string
  readonly volumes: string
  instance(container: string, attempt: number): string
  saveSandbox(record: SandboxRecord): void
  saveContainer(container: string, record: PersistentRecord): void
  /** Files of runs before the one before `attempt`. */
  removeOldInstances(container: string, attempt: number): void
  /** What a run wrote into its root: of no use to anybody once it has ended. */
  removeScratch(container: string, attempt: number, memory: string): Promise<void>
  remove(): Promise<void>
}

export function openPodDir(podsDir: string, uid: string): PodDir {
  const root = path.join(podsDir, uid)
  const containerDir = (name: string) => path.join(root, 'containers', name)
  return {
    root,
    volumes: path.join(root, 'volumes'),
    instance: (container, attempt) => path.join(containerDir(container), String(attempt)),
    saveSandbox: (record) => writeJson(path.join(root, 'sandbox.json'), record),
    saveContainer: (container, record) => writeJson(path.join(containerDir(container), 'state.json'), record),
    removeOldInstances: (container, attempt) => {
      const keep = new Set([String(attempt), String(attempt - 1)])
      for (const entry of readdirSync(containerDir(container))) {
        if (/^[0-9]+$/.test(entry) && !keep.has(entry)) {
          rmSync(path.join(containerDir(container), entry), { recursive: true, force: true })
        }
      }
    },
    removeScratch: async (container, attempt, memory) => {
      await removeAll(memory)
      for (const part of ['rw', 'rootfs']) await removeAll(path.join(containerDir(container), String(attempt), part))
    },
    remove: async () => {
      // sandbox.json goes last: as long as it is there, a later agent finishes this.
      await removeAll(path.join(root, 'containers'))
      await removeAll(path.join(root, 'volumes'))
      await removeAll(root)
    },
  }
}

const removeAll = (target: string) => rm(target, { recursive: true, force: true })

export interface SavedPod {
  readonly sandbox: SandboxRecord
  readonly containers: ReadonlyMap<string, PersistentRecord>
  /** Directories of runs that were begun and not written down: their containers may run, and nobody knows them. */
  readonly unrecorded: readonly string[]
}

/** Every pod of this node that has files here. */
export function readSavedPods(podsDir: string, node: string): SavedPod[] {
  mkdirSync(podsDir, { recursive: true })
  return readdirSync(podsDir).flatMap((uid) => {
    const root = path.join(podsDir, uid)
    const sandbox = readJson<SandboxRecord>(path.join(root, 'sandbox.json'))
    if (sandbox?.node !== node) return []
    return [{ sandbox, ...readContainers(path.join(root, 'containers')) }]
  })
}

function readContainers(directory: string): Pick<SavedPod, 'containers' | 'unrecorded'> {
  const containers = new Map<string, PersistentRecord>()
  const unrecorded: string[] = []
  for (const name of listNames(directory)) {
    const record = readJson<PersistentRecord>(path.join(directory, name, 'state.json'))
    if (record) containers.set(name, record)
    const runs = listNames(path.join(directory, name)).filter((entry) => /^[0-9]+$/.test(entry))
    const isUnknown = (run: string) => Number(run) > (record?.current?.attempt ?? -1)
    unrecorded.push(...runs.filter(isUnknown).map((run) => path.join(directory, name, run)))
  }
  return { containers, unrecorded }
}

/** Of nothing that is not a directory. */
function listNames(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

function writeJson(file: string, value: object): void {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(value))
  renameSync(`${file}.new`, file)
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
