/** What the threads of the DNS server say to each other. */
import type { ServerSettings } from './open-engine.ts'
import type { FeedItem } from './object-feed.ts'
import type { QueryCounts } from './query-counts.ts'

/** What a thread is started with. */
export interface ThreadData {
  readonly settings: ServerSettings
}

export type ToThread =
  | { readonly kind: 'feed'; readonly items: readonly FeedItem[] }
  /** Everything there is has been fed: read queries from this socket. */
  | { readonly kind: 'serve'; readonly fd: number }
  | { readonly kind: 'count' }

export interface PodCounts {
  readonly namespace: string
  readonly pod: string
  readonly counts: QueryCounts
}

/** The answer to each `count`, in order. */
export interface FromThread {
  readonly rows: readonly PodCounts[]
}
