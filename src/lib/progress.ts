/** What the control plane tells the command that started it, one JSON object per line. */
export type Progress =
  | { readonly type: 'step'; readonly step: string; readonly detail: string }
  | { readonly type: 'ready' }
  /** `conflict`: something that it needs is in use by another cluster. */
  | { readonly type: 'failed'; readonly message: string; readonly conflict?: boolean }

/** Splits a stream of text chunks into progress objects; an incomplete last line waits for its rest. */
export function createProgressParser(): (chunk: string) => Progress[] {
  let rest = ''
  return (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Progress)
  }
}

export function renderProgress(progress: Progress): string {
  return `${JSON.stringify(progress)}\n`
}
