/** Runs commands one after another or side by side, and tells of each whether it passed and how long it took. */
import { spawn } from 'node:child_process'

export interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

export interface StepResult {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly output: string
}

export async function runStep(step: Step, show: boolean): Promise<StepResult> {
  const begun = performance.now()
  const [program, ...args] = step.command
  const child = spawn(program, args, { stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const passed = await new Promise<boolean>((resolve) => {
    child.on('error', () => resolve(false))
    child.on('close', (code) => resolve(code === 0))
  })
  const result = {
    name: step.name,
    passed,
    seconds: (performance.now() - begun) / 1000,
    output: Buffer.concat(chunks).toString(),
  }
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${step.name.padEnd(12)} ${result.seconds.toFixed(1)}s`)
  if (!passed && !show) console.log(result.output)
  return result
}
