/** Runs a function of a module in a process and a network namespace of its own, so that it finds an empty kernel. */
import { pathToFileURL } from 'node:url'
import path from 'node:path'
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
  const url = pathToFileURL(path.join(import.meta.dirname, module)).href
  const code = `import { ${name} } from ${JSON.stringify(url)}
    process.stdout.write(JSON.stringify(await ${name}(...${JSON.stringify(args)})))`
  const namespaces = process.getuid?.() === 0 ? '-n' : '-rn'
  const node = [process.execPath, ...nodeOptions, '--input-type=module-typescript', '--eval', code]
  return JSON.parse(await run('unshare', [namespaces, ...node])) as Result
}
