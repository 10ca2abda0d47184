#!/usr/bin/env node
// Finds a Node that runs frontdesk (24 or newer; the one in node_modules when the host's is older), then starts it with
// the compile cache on. Plain JavaScript, so that any Node from 20 on can run it.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { selectEntry } from './select-entry.js'

const wantedMajor = 24
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const entry = selectEntry(root)

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= wantedMajor) return process.execPath
  const require = createRequire(import.meta.url)
  for (const name of [`node-linux-${process.arch}`]) {
    try {
      return path.join(path.dirname(require.resolve(`${name}/package.json`)), 'bin/node')
    } catch {
      // not installed: the message below says what to do
    }
  }
  return undefined
}

function findHome() {
  try {
    return homedir()
  } catch {
    return undefined
  }
}

if (process.platform !== 'linux') {
  console.error('error: frontdesk runs on Linux only\n  fix   run it in WSL2, Lima, or a Linux container')
  process.exit(5)
}
const node = findNode()
if (!node) {
  console.error(
    `error: cannot find Node ${wantedMajor}\n  cause   this is Node ${process.versions.node}, and node-linux-${process.arch} is not installed\n  fix     npm install`,
  )
  process.exit(5)
}
const home = findHome()
if (!home) {
  console.error(
    `error: cannot find a home directory\n  cause   HOME is not set, and the system does not know user ${process.getuid()}\n  fix     HOME=/tmp/frontdesk frontdesk up`,
  )
  process.exit(5)
}
process.env.NODE_COMPILE_CACHE ??= path.join(process.env.XDG_CACHE_HOME ?? path.join(home, '.cache'), 'frontdesk')
if (node === process.execPath) {
  const module = await import('node:module')
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  await import(pathToFileURL(entry).href)
} else {
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)))
}
