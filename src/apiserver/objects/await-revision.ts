import { tooLargeResourceVersion } from '../api-errors.ts'
import type { ObjectStore } from './open-object-store.ts'

const longestWaitMs = 3000

/**
 * Waits until reads show at least the asked revision: everything committed when absent, anything for 0.
 * Throws 504 when the revision does not come about.
 */
export async function awaitRevision(objects: ObjectStore, asked: number | undefined): Promise<void> {
  if (asked === undefined) await objects.fresh()
  else if (asked > objects.seen()) {
    await objects.fresh()
    if (asked > objects.seen() && !(await comesAbout(objects, asked))) {
      throw tooLargeResourceVersion(asked, objects.seen())
    }
  }
}

async function comesAbout(objects: ObjectStore, revision: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), longestWaitMs)))
  const reached = Promise.resolve(objects.reached(revision)).then(() => true)
  return Promise.race([reached, late]).finally(() => clearTimeout(timer))
}
