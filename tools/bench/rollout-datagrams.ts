/**
 * Questions in datagrams for rollout-load.ts, each from a port that was not used for minutes: one lost datagram is one
 * lost request. A port that is used again soon belongs to a flow, and flows stay with pods that terminate.
 */
import dgram from 'node:dgram'

/** As long as for connections: a lost datagram is not sent again, so waiting hides nothing. */
const patienceMs = 10_000
const ports = { first: 10_000, last: 59_999 } as const

export class DatagramAsker {
  readonly #address: string
  readonly #port: number
  #next: number = ports.first

  constructor({ address, port }: { readonly address: string; readonly port: number }) {
    this.#address = address
    this.#port = port
  }

  ask(answered: (failure: string | undefined) => void): void {
    const socket = dgram.createSocket('udp4')
    let isOver = false
    const finish = (failure?: string): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      socket.close()
      answered(failure)
    }
    const timer = setTimeout(() => finish(`no answer in ${patienceMs} ms`), patienceMs)
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    socket.on('message', () => finish())
    const source = this.#next
    this.#next = source === ports.last ? ports.first : source + 1
    socket.bind(source, () =>
      // Connected, so that the kernel tells when the other side refuses.
      socket.connect(this.#port, this.#address, (error?: NodeJS.ErrnoException) => {
        if (error) finish(error.code ?? error.message)
        else if (!isOver) socket.send('?')
      }),
    )
  }
}
