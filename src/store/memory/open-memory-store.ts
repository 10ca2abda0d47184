/** A store that forgets everything when the process ends; for tests and short-lived clusters. */
import type { Change, Store } from '../contract.ts'
import { defaultHistoryLimits, type HistoryLimits, Timeline } from '../timeline.ts'

export function openMemoryStore(limits: HistoryLimits = defaultHistoryLimits): Store {
  const timeline = new Timeline(1, [], limits)

  const write = (key: string, value: string | undefined): number => {
    const revision = timeline.revision + 1
    timeline.append(key, value, revision)
    return revision
  }
  const commit = (changes: readonly Change[]): readonly number[] | 'conflict' =>
    changes.every((change) => timeline.allows(change)) ? changes.map(({ key, value }) => write(key, value)) : 'conflict'

  return {
    currentRevision: async () => timeline.revision,
    get: async (key) => timeline.get(key),
    list: async (prefix, options) => timeline.list(prefix, options),
    put: async (key, value, expected, accepted) => {
      if (!timeline.allows({ key, value, expected })) return 'conflict'
      accepted?.(timeline.revision + 1)
      return write(key, value)
    },
    delete: async (key, expected) => (timeline.allows({ key, expected }) ? write(key, undefined) : 'conflict'),
    commit: async (changes) => commit(changes),
    watch: (prefix, after, signal) => timeline.watch(prefix, after, signal),
    [Symbol.asyncDispose]: async () => timeline.close(),
  }
}
