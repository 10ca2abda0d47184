/** For whoever measures or traces: Node's diagnostics channel on which the writer's thread tells what is on disk. */
import { channel } from 'node:diagnostics_channel'

export interface Committed {
  readonly writes: readonly { readonly key: string; readonly revision: number }[]
}

const name = 'frontdesk.store.committed'
const committed = channel(name)

/** Call the moment that a transaction is durable. Costs nothing while nobody listens. */
export function tellCommitted(message: Committed): void {
  if (committed.hasSubscribers) committed.publish(message)
}

/** Hears of transactions of this thread; to be in the writer's, be preloaded (`node --import`). */
export function onCommitted(listener: (message: Committed) => void): void {
  committed.subscribe((message) => listener(message as Committed))
}
