/** Whether a pod's search ends at a name outside, decided for both address families alike. */
import type { Clock } from '#lib/clock.ts'
import type { ForwardFlags, Forwarder } from './forwarder.ts'
import { classes, type DnsMessage, rcodes, recordTypes } from './message.ts'

export interface OutsideOptions {
  readonly forwarder: Pick<Forwarder, 'resolve'>
  readonly clock: Clock
  readonly patienceMs?: number
}

/** A name that does not exist must not wait for other servers longer than this: its asker goes on searching by itself. */
const defaultPatienceMs = 300
/** For so long the question for the other family gets the same decision; resolvers ask for both at once. */
const rememberMs = 2000
const maxRemembered = 1000

interface Decision {
  readonly name: Promise<string | undefined>
  readonly expiresMs: number
}

export class SearchOutside {
  readonly #options: OutsideOptions
  readonly #decisions = new Map<string, Decision>()

  constructor(options: OutsideOptions) {
    this.#options = options
  }

  /** The first of `names` that has addresses, of any family. Undefined: none, or not to be known soon. Never rejects. */
  decide(names: readonly string[], type: number, flags: ForwardFlags): Promise<string | undefined> {
    const key = `${flags.dnssecOk} ${flags.checkingDisabled} ${names.join(' ')}`
    const nowMs = this.#options.clock.nowMs()
    const known = this.#decisions.get(key)
    if (known && known.expiresMs > nowMs) return known.name
    const name = this.#firstWithAddress(names, type, flags)
    this.#decisions.delete(key)
    this.#decisions.set(key, { name, expiresMs: nowMs + rememberMs })
    if (this.#decisions.size > maxRemembered) this.#decisions.delete(this.#decisions.keys().next().value!)
    return name
  }

  async #firstWithAddress(names: readonly string[], type: number, flags: ForwardFlags): Promise<string | undefined> {
    const { promise: patienceOver, resolve: endPatience } = Promise.withResolvers<undefined>()
    const timer = setTimeout(endPatience, this.#options.patienceMs ?? defaultPatienceMs, undefined)
    const ask = (name: string, ofType: number): Promise<DnsMessage | undefined> =>
      Promise.race([this.#options.forwarder.resolve({ name, type: ofType, class: classes.IN }, flags), patienceOver])
    try {
      for (const name of names) {
        const response = await ask(name, type)
        if (response?.rcode === rcodes.NXDOMAIN) continue
        if (response?.rcode !== rcodes.NOERROR) return undefined
        if (hasAddress(response)) return name
        const other = await ask(name, type === recordTypes.A ? recordTypes.AAAA : recordTypes.A)
        // it exists and has no address at all: some resolvers go on, some stop
        return other && hasAddress(other) ? name : undefined
      }
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
}

function hasAddress({ answers }: DnsMessage): boolean {
  return answers.some(({ type }) => type === 'A' || type === 'AAAA')
}
