/** Which Services have an address, and how often (an endpoint may stand in several slices). */
export class AddressIndex {
  readonly #counts = new Map<string, Map<string, number>>()

  add(ip: string, key: string): void {
    const keys = this.#counts.get(ip) ?? new Map<string, number>()
    keys.set(key, (keys.get(key) ?? 0) + 1)
    this.#counts.set(ip, keys)
  }

  remove(ip: string, key: string): void {
    const keys = this.#counts.get(ip)
    const count = keys?.get(key)
    if (!keys || !count) return
    if (count > 1) keys.set(key, count - 1)
    else keys.delete(key)
    if (keys.size === 0) this.#counts.delete(ip)
  }

  keysOf(ip: string): string[] {
    return [...(this.#counts.get(ip)?.keys() ?? [])]
  }
}
