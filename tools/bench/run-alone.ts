/**
 * Runs a function of a module in a process and a network namespace of its own, so that it finds an empty kernel. Bundled,
 * as users run the product: from source, Node has to keep what strips types, some 45 MiB.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { rolldown } from 'rolldown'
import { run } from './bench-cluster.ts'

export interface Alone {
  /** Beside this file. */
  readonly module: string
  readonly name: string
  /** What JSON can say. */
  readonly args: readonly unknown[]
  readonly nodeOptions?: readonly string[]
}

export async function runAlone<Result>({ module, name, args, nodeOptions = [] }: Alone): Promise<Result> {
  const url = pathToFileURL(await bundled(module)).href
  const code = `import { ${name} } from ${JSON.stringify(url)}
    process.stdout.write(JSON.stringify(await ${name}(...${JSON.stringify(args)})))`
  const namespaces = process.getuid?.() === 0 ? '-n' : '-rn'
  const node = [process.execPath, ...nodeOptions, '--input-type=module', '--eval', code]
  return JSON.parse(await run('unshare', [namespaces, ...node])) as Result
}

const made = new Map<string, Promise<string>>()

function bundled(module: string): Promise<string> {
  let file = made.get(module)
  if (!file) made.set(module, (file = bundle(module)))
  return file
}

/** Below the package, where koffi is found. */
async function bundle(module: string): Promise<string> {
  const directory = mkdtempSync(path.resolve(import.meta.dirname, '../../node_modules/.bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const file = path.join(directory, `${path.basename(module, '.ts')}.mjs`)
  const input = path.join(import.meta.dirname, module)
  const build = await rolldown({ input, platform: 'node', external: ['koffi'] })
  await build.write({ file, format: 'esm', codeSplitting: false })
  await build.close()
  return file
}
