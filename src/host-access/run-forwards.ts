/** Keeps exactly the wanted listeners open. One that cannot be opened (the port is taken) is tried again, later. */
import type { Socket } from 'node:net'
import { backoffMs } from '#lib/backoff.ts'
import type { Log } from '#observe/log.ts'
import type { TargetSockets } from './open-target-sockets.ts'
import { type Forward, forwardKey } from './plan-forwards.ts'
import { serveTcpForward } from './serve-tcp-forward.ts'
import { serveUdpForward } from './serve-udp-forward.ts'

export interface ForwardContext {
  readonly targetSockets: TargetSockets
  /** Both ends of every connection: they outlive their listener, but not the process's part in this cluster. */
  readonly connections: Set<Socket>
  readonly log: Log
}

export interface Listener {
  /**
   * No new connections from now on. Those that are there run to their own end, as they do when kernel rules go.
   */
  stopListening(): void
}

export interface Forwards {
  /** Makes these the forwards of one owner, in place of those it had. */
  set(owner: string, forwards: readonly Forward[]): void
  /** Listening now, as keys. */
  open(): string[]
  /** Wanted but not listening, each with why. */
  failed(): { readonly key: string; readonly error: Error }[]
}

/** One address: who wants it (two Services only while one hands it to the next), and the listener for the first. */
interface Slot {
  readonly claims: Map<string, Forward>
  current: Running | undefined
}

const retry = { baseMs: 500, maxMs: 30_000, jitter: 0.5 }

export function runForwards(context: ForwardContext): Forwards & Disposable {
  const slots = new Map<string, Slot>()
  const owned = new Map<string, Set<string>>()

  const settle = (key: string, slot: Slot): void => {
    const [wanted] = slot.claims.values()
    if (slot.current && wanted && isSameTarget(slot.current.forward, wanted)) return
    slot.current?.stop()
    slot.current = wanted && new Running(wanted, context)
    if (!wanted) slots.delete(key)
  }

  return {
    set: (owner, forwards) => {
      const wanted = new Map(forwards.map((forward) => [forwardKey(forward), forward]))
      const before = owned.get(owner) ?? new Set()
      for (const key of new Set([...before, ...wanted.keys()])) {
        const slot = slots.get(key) ?? { claims: new Map(), current: undefined }
        slots.set(key, slot)
        const forward = wanted.get(key)
        if (forward) slot.claims.set(owner, forward)
        else slot.claims.delete(owner)
        settle(key, slot)
      }
      if (wanted.size > 0) owned.set(owner, new Set(wanted.keys()))
      else owned.delete(owner)
    },
    open: () => [...slots].flatMap(([key, { current }]) => (current?.isListening ? key : [])),
    failed: () => [...slots].flatMap(([key, { current }]) => (current?.error ? { key, error: current.error } : [])),
    [Symbol.dispose]: () => {
      for (const { current } of slots.values()) current?.stop()
      for (const socket of context.connections) socket.destroy()
      slots.clear()
      owned.clear()
    },
  }
}

function isSameTarget(a: Forward, b: Forward): boolean {
  return a.target.address === b.target.address && a.target.port === b.target.port
}

/** One forward from wanted to no longer wanted. */
class Running {
  readonly forward: Forward
  error: Error | undefined
  readonly #context: ForwardContext
  #listener: Listener | undefined
  #isStopped = false
  #retry: NodeJS.Timeout | undefined

  constructor(forward: Forward, context: ForwardContext) {
    this.forward = forward
    this.#context = context
    void this.#start(0)
  }

  get isListening(): boolean {
    return this.#listener !== undefined && !this.#isStopped
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    clearTimeout(this.#retry)
    this.#listener?.stopListening()
  }

  async #start(failures: number): Promise<void> {
    try {
      const serve = this.forward.protocol === 'TCP' ? serveTcpForward : serveUdpForward
      const listener = await serve(this.forward, this.#context)
      this.#listener = listener
      this.error = undefined
      if (this.#isStopped) listener.stopListening()
    } catch (error) {
      if (this.#isStopped) return
      this.error = error as Error
      const { listen, target } = this.forward
      // said once; the tries that follow are only for somebody who looks closer
      this.#context.log[failures === 0 ? 'warn' : 'debug']({ err: error, listen, target }, 'Cannot listen on the host')
      this.#retry = setTimeout(() => void this.#start(failures + 1), backoffMs(retry, failures + 1, Math.random()))
    }
  }
}
