/** Staged progress: one line per finished step, with the time since the command began. */
import type { CliContext } from './context.ts'

export interface Steps {
  done(step: string, detail: string): void
  note(label: string, text: string): void
}

export function createSteps(context: Pick<CliContext, 'say' | 'nowMs' | 'decorated'>, quiet = false): Steps {
  const begunMs = context.nowMs()
  const say = quiet ? () => {} : context.say
  return {
    done: (step, detail) => say(renderStep(step, detail, context.nowMs() - begunMs, context.decorated)),
    note: (label, text) => say(`  ${label.padEnd(12)} ${text}`),
  }
}

export function renderStep(step: string, detail: string, elapsedMs: number, decorated: boolean): string {
  const mark = decorated ? '\u001b[32m✓\u001b[39m' : '-'
  return `${mark} ${step.padEnd(12)} ${detail.padEnd(58)} ${(elapsedMs / 1000).toFixed(2)}s`
}
