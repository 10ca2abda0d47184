/** `npm test`: ok, kernel tests (and what is large), end-to-end tests. Installs the tools that tests need when it may. */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { delimiter } from 'node:path'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { runStep, type StepResult } from './run-step.ts'

/** Tools that tests use, and the Debian package that has each. Tests that miss one skip and say so. */
const wantedTools: Readonly<Record<string, string>> = {
  kubectl: 'kubernetes-client',
  nft: 'nftables',
  busybox: 'busybox-static',
  newuidmap: 'uidmap',
  'musl-gcc': 'musl-tools',
}

function isInstalled(tool: string): boolean {
  const dirs = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return dirs.some((dir) => {
    try {
      accessSync(path.join(dir, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function installTools(): void {
  const missing = Object.keys(wantedTools).filter((tool) => !isInstalled(tool))
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) {
    console.log(
      `not installed, and only root may install: ${missing.join(', ')}; tests that need them say what they skip`,
    )
    return
  }
  const packages = missing.map((tool) => wantedTools[tool] as string)
  console.log(`installing ${packages.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env })
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  })
  const stillMissing = missing.filter((tool) => !isInstalled(tool))
  if (stillMissing.length > 0)
    console.log(`could not install: ${stillMissing.join(', ')}; tests that need them say what they skip`)
}

const parts: Readonly<Record<string, readonly string[]>> = {
  ok: ['node', 'tools/ok.ts'],
  kernel: [
    'node',
    '--test',
    '--test-concurrency=1',
    '--test-timeout=180000',
    ...globSync(['src/**/*.kernel.test.ts', 'test/scale/*.test.ts', 'test/bench/*.test.ts']).sort(),
  ],
  e2e: ['node', '--test', '--test-concurrency=1', '--test-timeout=420000', ...globSync('test/e2e/**/*.test.ts').sort()],
}

const wanted = process.argv.slice(2)
const names = wanted.length > 0 ? wanted : Object.keys(parts)
installTools()
const results: StepResult[] = []
for (const name of names) {
  const command = parts[name]
  if (!command) throw new Error(`Cannot run ${name}: parts are ${Object.keys(parts).join(', ')}`)
  results.push(await runStep({ name, command: command as [string, ...string[]] }, true))
}
for (const { name, passed, seconds } of results)
  console.log(`${passed ? 'passed' : 'FAILED'}  ${name.padEnd(8)} ${seconds.toFixed(1)}s`)
process.exitCode = results.every((result) => result.passed) ? 0 : 1
