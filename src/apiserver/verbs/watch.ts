import { randomInt } from 'node:crypto'
import { apiVersionOf } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'
import type { ApiResponse, EncodedWatchEvent } from '#api/wire.ts'
import { acceptOf } from '../answer/render-answer.ts'
import { eventTransformer } from '../answer/transform-events.ts'
import { tooOldResourceVersion } from '../api-errors.ts'
import { encodeEvent, encodeOtherEvent } from '../cache/encode-event.ts'
import type { CacheEvent } from '../cache/resource-cache.ts'
import type { Call } from '../call.ts'
import { awaitRevision } from '../objects/await-revision.ts'
import { listPrefix } from '../objects/storage-keys.ts'
import { parseWatchOptions, type WatchOptions } from '../request/parse-options.ts'
import { parseSelection, type Selection } from '../request/parse-selection.ts'
import type { ServerDeps } from '../server-deps.ts'
import { WatchChannel } from '../watch-channel.ts'

const bookmarkEveryMs = 60_000
const shortestDefaultSeconds = 1800

export async function watch(deps: ServerDeps, call: Call): Promise<ApiResponse> {
  const options = parseWatchOptions(call.request.query)
  const selection = parseSelection(call.kind, call.request.query, call.info.name)
  acceptOf(call)
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: { type: 'watch', events: watchEvents(deps, call, options, selection) },
  }
}

/** Failures after the parameters are told as one ERROR event, then the stream ends. */
async function* watchEvents(
  deps: ServerDeps,
  call: Call,
  options: WatchOptions,
  selection: Selection,
): AsyncGenerator<readonly EncodedWatchEvent[]> {
  const channel = new WatchChannel()
  const transform = eventTransformer(call, acceptOf(call), deps.clock)
  const stop: (() => void)[] = []
  const { signal } = call.request
  try {
    if (signal.aborted) return
    const end = () => channel.end()
    signal.addEventListener('abort', end)
    stop.push(() => signal.removeEventListener('abort', end))
    await awaitRevision(deps.objects, options.resourceVersion)
    stop.push(follow(deps, call, options, selection, channel))
    stop.push(startTimers(deps, call, options, channel))
    for await (const batch of channel) {
      if (signal.aborted) return
      yield transform(batch)
    }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    yield [encodeOtherEvent('ERROR', error.status)]
  } finally {
    for (const undo of stop) undo()
  }
}

/** Pushes what is there or was missed, then everything that happens; one synchronous step, so nothing falls between. */
function follow(
  deps: ServerDeps,
  call: Call,
  options: WatchOptions,
  selection: Selection,
  channel: WatchChannel,
): () => void {
  const cache = deps.objects.cacheOf(call.kind)
  const prefix = listPrefix(call.kind, call.namespace)
  const { resourceVersion = 0, sendInitialEvents } = options
  const select = (events: readonly CacheEvent[]) => channel.push(selectEvents(events, prefix, selection))
  if (sendInitialEvents ?? resourceVersion === 0) {
    const present = cache.list(prefix).filter(({ object }) => selection.matches(object))
    channel.push(present.map(({ object }) => encodeEvent('ADDED', object)))
    if (sendInitialEvents) channel.push([bookmark(deps, call, { 'k8s.io/initial-events-end': 'true' })])
  } else if (resourceVersion > 0) {
    const missed = cache.eventsAfter(resourceVersion)
    if (!missed) throw tooOldResourceVersion(resourceVersion, cache.oldest)
    select(missed)
  }
  return cache.listen(select)
}

/** An event as a watcher of a selection sees it: objects appear and vanish as they begin and cease to match. */
function selectEvents(events: readonly CacheEvent[], prefix: string, selection: Selection): EncodedWatchEvent[] {
  const selected: EncodedWatchEvent[] = []
  for (const event of events) {
    if (!event.key.startsWith(prefix)) continue
    const is = event.after !== undefined && selection.matches(event.after)
    const was = event.before !== undefined && selection.matches(event.before)
    if (is) selected.push(was ? event.modified() : event.added())
    else if (was) selected.push(event.deleted())
  }
  return selected
}

function startTimers(deps: ServerDeps, call: Call, options: WatchOptions, channel: WatchChannel): () => void {
  const seconds = options.timeoutSeconds ?? shortestDefaultSeconds + randomInt(shortestDefaultSeconds)
  const mark = () => channel.push([bookmark(deps, call)])
  const timeout = setTimeout(
    () => {
      if (options.bookmarks) mark()
      channel.end()
    },
    Math.min(seconds * 1000, 0x7fffffff),
  )
  const bookmarks = options.bookmarks ? setInterval(mark, bookmarkEveryMs) : undefined
  return () => {
    clearTimeout(timeout)
    clearInterval(bookmarks)
  }
}

function bookmark(deps: ServerDeps, { kind }: Call, annotations?: Record<string, string>): EncodedWatchEvent {
  const metadata = { resourceVersion: String(deps.objects.seen()), ...(annotations && { annotations }) }
  return encodeEvent('BOOKMARK', { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata } as KubeObject)
}
