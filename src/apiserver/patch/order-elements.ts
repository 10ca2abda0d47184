/** The order of a merged list under `$setElementOrder`. */
import { badRequest } from '../api-errors.ts'
import { sameJson } from '../write/same-json.ts'
import { isFields } from './merge-patch.ts'

export interface ElementOrder {
  /** The merged list. */
  readonly list: readonly unknown[]
  /** As it was on the server. */
  readonly before: readonly unknown[]
  /** What the patch has for the list; has to follow the order. */
  readonly items: readonly unknown[]
  /** Merge keys (`{name: 'c'}`) or scalars. */
  readonly order: readonly unknown[]
  readonly mergeKey: string | undefined
}

/** Named elements come in the given order; what only the server has keeps its place relative to them. */
export function orderElements({ list, before, items, order, mergeKey }: ElementOrder): unknown[] {
  const identity = (item: unknown) => (mergeKey !== undefined && isFields(item) ? item[mergeKey] : item)
  const positionIn = (sequence: readonly unknown[]) => {
    const identities = sequence.map(identity)
    return (item: unknown) => identities.findIndex((known) => sameJson(known, identity(item)))
  }
  const wanted = positionIn(order)
  const old = positionIn(before)
  checkItems(items.filter(isKept).map(identity), order.map(identity))
  const named = list.filter((item) => wanted(item) >= 0).sort((a, b) => wanted(a) - wanted(b))
  const serverOnly = list.filter((item) => wanted(item) < 0).sort((a, b) => old(a) - old(b))
  const result: unknown[] = []
  while (named.length > 0 && serverOnly.length > 0) {
    const [left, right] = [old(serverOnly[0]), old(named[0])]
    result.push(left >= 0 && right >= 0 && left < right ? serverOnly.shift() : named.shift())
  }
  return [...result, ...named, ...serverOnly]
}

const isKept = (item: unknown): boolean => !isFields(item) || item['$patch'] === undefined

/** Every item is named, and they come in the order of the names; a name may be there several times. */
function checkItems(items: readonly unknown[], names: readonly unknown[]): void {
  let from = 0
  for (const item of items) {
    const position = names.findIndex((name, index) => index >= from && sameJson(name, item))
    if (position < 0) {
      throw badRequest(`The order in patch list doesn't match $setElementOrder list: ${JSON.stringify(item)}`)
    }
    from = position + 1
  }
}
