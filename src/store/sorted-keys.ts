/** Keys in order, for prefix ranges. Insertion moves array tails: cheap up to some hundred thousand keys. */
export class SortedKeys {
  readonly #keys: string[]

  constructor(keys: Iterable<string> = []) {
    this.#keys = [...keys].sort(compareKeys)
  }

  add(key: string): void {
    const index = this.indexOf(key)
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key)
  }

  remove(key: string): void {
    const index = this.indexOf(key)
    if (this.#keys[index] === key) this.#keys.splice(index, 1)
  }

  /** Keys that start with `prefix`, those after `after` only. */
  range(prefix: string, after?: string): string[] {
    let start = this.indexOf(prefix)
    if (after !== undefined && after >= prefix) {
      start = this.indexOf(after)
      if (this.#keys[start] === after) start++
    }
    let end = start
    while (end < this.#keys.length && this.#keys[end]!.startsWith(prefix)) end++
    return this.#keys.slice(start, end)
  }

  /** Position of the first key that is not less than `key`. */
  private indexOf(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Code-unit order, which is byte order for the ASCII keys that the API makes. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
