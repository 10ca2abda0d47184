/** Composition root of the command line. */
import { homedir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { runProgram } from '#cli/run-program.ts'

const interrupted = new AbortController()
const codes = { SIGINT: 130, SIGTERM: 143 } as const
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.exitCode = codes[signal]
    interrupted.abort(new Error(`interrupted by ${signal}`))
  })
}

const { env } = process
const code = await runProgram(process.argv.slice(2), {
  env,
  homeDir: homedir(),
  uid: process.getuid?.() ?? -1,
  cwd: process.cwd(),
  print: (line) => process.stdout.write(`${line}\n`),
  say: (line) => process.stderr.write(`${line}\n`),
  readStdin: () => text(process.stdin),
  decorated: process.stderr.isTTY && !env['NO_COLOR'] && !env['CI'] && env['TERM'] !== 'dumb',
  nowMs: () => performance.now(),
  signal: interrupted.signal,
  nodePath: process.execPath,
  programs: {
    controlPlane: fileURLToPath(new URL('./run-control-plane.ts', import.meta.url)),
    hostProbe: fileURLToPath(new URL('./run-host-probe.ts', import.meta.url)),
  },
  packageDir: path.resolve(import.meta.dirname, '../..'),
})
process.exitCode ??= code
