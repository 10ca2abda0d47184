import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgressParser, type Progress, renderProgress } from './progress.ts'

const said: Progress[] = [
  { type: 'step', step: 'control', detail: 'API on …' },
  { type: 'failed', message: 'two\nlines', conflict: true },
  { type: 'ready' },
]

for (const size of [1, 7, 1000]) {
  test(`progress is understood in pieces of ${size} characters`, () => {
    const text = said.map(renderProgress).join('')
    const parse = createProgressParser()
    const heard: Progress[] = []
    for (let at = 0; at < text.length; at += size) heard.push(...parse(text.slice(at, at + size)))
    assert.deepEqual(heard, said)
  })
}
