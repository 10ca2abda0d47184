/** The directory of clusters: reading and writing their records, and which of their processes run. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isRunning, type ProcessIdentity } from '#kernel/process-identity.ts'
import { type ClusterRecord, isClusterName, type ProcessRole } from './cluster-record.ts'
import { type ClusterPaths, type Home, selectClusterPaths } from './select-cluster-paths.ts'

export interface ProcessRecord extends ProcessIdentity {
  readonly role: ProcessRole
}

export function listClusterNames(home: Home): string[] {
  if (!existsSync(home.clusters)) return []
  return readdirSync(home.clusters)
    .filter((name) => isClusterName(name) && readClusterRecord(home, name))
    .sort()
}

export function readClusterRecord(home: Home, name: string): ClusterRecord | undefined {
  return readJson<ClusterRecord>(selectClusterPaths(home, name).record)
}

export function writeClusterRecord(home: Home, record: ClusterRecord): void {
  writeJson(selectClusterPaths(home, record.name).record, record)
}

/** Processes of frontdesk's own that were started for this cluster and still run. */
export function readRunningProcesses(paths: ClusterPaths): ProcessRecord[] {
  return (readJson<ProcessRecord[]>(paths.processes) ?? []).filter(isRunning)
}

/** Replaces what is recorded for the given role. */
export function writeProcess(paths: ClusterPaths, record: ProcessRecord): void {
  const others = readRunningProcesses(paths).filter((process) => process.role !== record.role)
  writeJson(paths.processes, [...others, record])
}

function readJson<T>(file: string): T | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return JSON.parse(text) as T
}

/** Whole or not at all: readers never see half a file. */
function writeJson(file: string, value: unknown): void {
  mkdirSync(path.dirname(file), { recursive: true })
  const fresh = `${file}.${process.pid}.new`
  writeFileSync(fresh, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  renameSync(fresh, file)
}
