/**
 * Writes a volume's files so that a reader sees either all old or all new ones: they stand in a directory of their own,
 * `..data` is a link to it that is replaced by one rename, and every name is a link through `..data`.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import type { Payload, PayloadFile } from './build-payload.ts'

const dataLink = '..data'

/** @returns whether anything differed */
export function applyPayload(directory: string, payload: Payload): boolean {
  mkdirSync(directory, { recursive: true })
  const link = path.join(directory, dataLink)
  const current = existsSync(link) ? path.join(directory, readlinkSync(link)) : undefined
  if (current && sameFiles(current, payload.files)) return false
  const fresh = mkdtempSync(path.join(directory, '..v'))
  chmodSync(fresh, 0o755)
  for (const [name, file] of payload.files) writeFile(path.join(fresh, name), file)
  const temporary = path.join(directory, '..data_tmp')
  rmSync(temporary, { force: true })
  symlinkSync(path.basename(fresh), temporary)
  renameSync(temporary, link)
  linkNames(directory, new Set([...payload.files.keys()].map((name) => name.split('/')[0]!)))
  if (current) rmSync(current, { recursive: true, force: true })
  return true
}

function writeFile(target: string, file: PayloadFile): void {
  mkdirSync(path.dirname(target), { recursive: true })
  writeFileSync(target, file.content)
  chmodSync(target, file.mode)
}

function linkNames(directory: string, names: ReadonlySet<string>): void {
  for (const entry of readdirSync(directory)) {
    if (!entry.startsWith('..') && !names.has(entry)) rmSync(path.join(directory, entry), { recursive: true })
  }
  for (const name of names) {
    const target = path.join(directory, name)
    if (!existsSync(target)) {
      rmSync(target, { force: true })
      symlinkSync(path.join(dataLink, name), target)
    }
  }
}

function sameFiles(current: string, files: ReadonlyMap<string, PayloadFile>): boolean {
  if (!existsSync(current)) return false
  const present = readdirSync(current, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  if (present.length !== files.size) return false
  return [...files].every(([name, file]) => {
    const target = path.join(current, name)
    if (!existsSync(target)) return false
    return (statSync(target).mode & 0o777) === file.mode && Buffer.compare(readFileSync(target), file.content) === 0
  })
}
