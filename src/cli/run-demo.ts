/** `frontdesk demo`, which `npm start` runs: three nodes, examples/hello, and one answer of each pod. */
import type { CliContext } from './context.ts'
import { createSteps } from './render-steps.ts'
import { up } from './run-up.ts'

export async function demo(context: CliContext, named: string | undefined): Promise<void> {
  const steps = createSteps(context)
  const load = () => import('./run-hello.ts')
  const name = await up(context, named, { nodes: '3' }, load)
  const { runHello } = await load()
  await runHello(context, name, steps)
  context.print(`\nThe cluster keeps running.   Stop: npx frontdesk stop ${name}    Remove: npx frontdesk down ${name}`)
}
