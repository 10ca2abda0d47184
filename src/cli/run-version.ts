/** `frontdesk version`: this program, the Kubernetes it speaks, the runtime and the kernel. */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { kubernetesVersion } from '#api/version.ts'
import type { CliContext } from './context.ts'

export function version(context: CliContext, options: { output?: string }): void {
  const manifest = JSON.parse(readFileSync(`${context.packageDir}/package.json`, 'utf8')) as { version: string }
  const facts = {
    frontdesk: manifest.version,
    kubernetes: kubernetesVersion,
    node: process.versions.node,
    kernel: release(),
  }
  if (options.output === 'json') context.print(JSON.stringify(facts, null, 2))
  else for (const [name, value] of Object.entries(facts)) context.print(`${name.padEnd(11)} ${value}`)
}
