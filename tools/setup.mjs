// Brings a fresh clone to where everything runs: installs from the lockfile, once per lockfile, and builds. Plain JavaScript for any
// Node from 20 on, because it runs before Node 24 is there.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { selectEntry } from '../bin/select-entry.js'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const stamp = path.join(root, 'node_modules/.frontdesk-lockfile')
const runtime = path.join(root, 'node_modules/.bin/node')
const wanted = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex')

function fail(message, fix) {
  console.error(`error: ${message}\n  fix   ${fix}`)
  process.exit(5)
}

if (process.platform !== 'linux') fail('frontdesk runs on Linux only', 'run it in WSL2, Lima or a Linux container')
if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Node ${process.versions.node} is too old`, 'install Node 20 or newer')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted || !existsSync(runtime)) {
  console.error('installing from the lockfile (once) …')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (npm.status !== 0) fail('npm ci failed', 'see its output above; the npm registry must be reachable once')
  if (!existsSync(runtime))
    fail(`there is no Node 24 for ${process.arch} in node_modules`, 'use an x64 or arm64 machine')
  writeFileSync(stamp, wanted)
}

// What is built starts faster, the first time by seconds. From source everything works too, so this is no reason to stop.
if (selectEntry(root).endsWith('.ts')) {
  const build = spawnSync(runtime, [path.join(root, 'tools/build.ts')], { cwd: root, stdio: ['ignore', 2, 2] })
  if (build.status !== 0) console.error('the build failed: frontdesk runs from its source, and starts slower')
}
