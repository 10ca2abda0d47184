import type { KubeObject, ListMeta } from '#api/meta.ts'
import type { ApiResponse } from '#api/wire.ts'
import type { Page } from '../answer/page.ts'
import { answerList } from '../answer/render-answer.ts'
import { expiredContinue, tooOldResourceVersion } from '../api-errors.ts'
import type { CachedObject } from '../cache/resource-cache.ts'
import type { Call } from '../call.ts'
import { awaitRevision } from '../objects/await-revision.ts'
import { listPrefix } from '../objects/storage-keys.ts'
import { decodeContinue, encodeContinue } from '../request/continue-token.ts'
import { type ListOptions, parseListOptions } from '../request/parse-options.ts'
import { parseSelection, type Selection } from '../request/parse-selection.ts'
import type { ServerDeps } from '../server-deps.ts'

export async function list(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  return answerList(call, await listPage(deps, call), deps.clock.nowMs())
}

export async function listPage(deps: ServerDeps, call: Call): Promise<Page> {
  const options = parseListOptions(call.request.query)
  const selection = parseSelection(call.kind, call.request.query)
  const { candidates, revision } = await candidatesFor(deps, call, options)
  return pageOf(call, candidates, revision, options, selection)
}

interface Snapshot {
  readonly candidates: readonly CachedObject[]
  readonly revision: number
}

async function candidatesFor(deps: ServerDeps, call: Call, options: ListOptions): Promise<Snapshot> {
  const prefix = listPrefix(call.kind, call.namespace)
  const cache = deps.objects.cacheOf(call.kind)
  if (options.continue !== undefined) {
    const token = decodeContinue(options.continue)
    await awaitRevision(deps.objects, token.revision)
    const candidates = cache.listAt(prefix, token.revision, prefix + token.after)
    if (!candidates) throw expiredContinue()
    return { candidates, revision: token.revision }
  }
  await awaitRevision(deps.objects, options.resourceVersion)
  if (!isExact(options)) return { candidates: cache.list(prefix), revision: deps.objects.seen() }
  const revision = options.resourceVersion!
  const candidates = cache.listAt(prefix, revision)
  if (!candidates) throw tooOldResourceVersion(revision, cache.oldest)
  return { candidates, revision }
}

/** A limit with a version but without a match rule means exactly that version, for old clients. */
function isExact({ match, resourceVersion, limit }: ListOptions): boolean {
  if (resourceVersion === undefined || resourceVersion === 0) return false
  return match === 'Exact' || (match === undefined && limit !== undefined)
}

function pageOf(
  call: Call,
  candidates: readonly CachedObject[],
  revision: number,
  { limit }: ListOptions,
  selection: Selection,
): Page {
  const objects: KubeObject[] = []
  const metadata: ListMeta = { resourceVersion: String(revision) }
  let last: CachedObject | undefined
  for (const [index, candidate] of candidates.entries()) {
    if (!selection.matches(candidate.object)) continue
    if (last && objects.length === limit) {
      const start = last.key.slice(listPrefix(call.kind, call.namespace).length)
      metadata.continue = encodeContinue({ revision, after: start })
      if (selection.everything) metadata.remainingItemCount = candidates.length - index
      break
    }
    objects.push(candidate.object)
    last = candidate
  }
  return { objects, metadata }
}
