/** A store that forgets everything when the process ends; for tests and short-lived clusters. */
import type { Store } from '../contract.ts'
import { defaultHistoryLimits, type HistoryLimits, Timeline } from '../timeline.ts'

export function openMemoryStore(limits: HistoryLimits = defaultHistoryLimits): Store {
  const timeline = new Timeline(1, [], limits)

  const write = (key: string, value: string | undefined, expected: number): number | 'conflict' => {
    const current = timeline.get(key)
    if ((current?.revision ?? 0) !== expected || (value === undefined && !current)) return 'conflict'
    const revision = timeline.revision + 1
    timeline.append(key, value, revision)
    return revision
  }

  return {
    currentRevision: async () => timeline.revision,
    get: async (key) => timeline.get(key),
    list: async (prefix, options) => timeline.list(prefix, options),
    put: async (key, value, expected) => write(key, value, expected),
    delete: async (key, expected) => write(key, undefined, expected),
    watch: (prefix, after, signal) => timeline.watch(prefix, after, signal),
    [Symbol.asyncDispose]: async () => timeline.close(),
  }
}
