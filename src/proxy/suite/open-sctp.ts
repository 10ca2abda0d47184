/** SCTP by raw sockets: one side answers INITs, the other sends one and waits. Kernels need no SCTP of their own. */
import { existsSync } from 'node:fs'
import { close, connect, errnoOf, lastErrno, pollReadable, recv, send } from '#kernel/libc.ts'
import { serveDatagrams } from '#kernel/serve-datagrams.ts'
import { socketAddress } from '#kernel/socket-address.ts'
import { formatIp, type IpFamily } from '#lib/ip.ts'
import { decodeSctp, encodeSctp, type SctpPacket } from './sctp-packet.ts'

const trackingSetting = '/proc/sys/net/netfilter/nf_conntrack_sctp_timeout_established'

/** Why SCTP cannot be tried here; undefined where it can. */
export function probeSctp(): string | undefined {
  if (existsSync(trackingSetting)) return undefined
  return `connection tracking of this kernel does not know SCTP: there is no ${trackingSetting}`
}

/** A raw IPv4 socket gives the IP header, too; a raw IPv6 socket does not. */
const payloadOf = (bytes: Buffer, family: IpFamily): Buffer =>
  family === 'IPv4' ? bytes.subarray((bytes.readUInt8(0) & 15) * 4) : bytes

/**
 * Answers every INIT to one of the ports with the text that a TCP server would say there, and to others with ABORT, as a
 * kernel with SCTP does. Takes over the raw socket.
 */
export function serveSctp(fd: number, family: IpFamily, name: string, ports: readonly number[]): Disposable {
  return serveDatagrams(fd, (batch, count) => {
    for (let index = 0; index < count; index++) {
      const at = index * batch.slotBytes
      const init = decodeSctp(payloadOf(batch.bytes.subarray(at, at + batch.lengthOf(index)), family))
      if (init?.type !== 'INIT') continue
      const seen = addressOf(batch.peerOf(index), family)
      const { sourcePort, destinationPort, initiateTag: verificationTag } = init
      const back = { sourcePort: destinationPort, destinationPort: sourcePort, verificationTag }
      const answer: SctpPacket = ports.includes(destinationPort)
        ? { ...back, type: 'INIT ACK', initiateTag: 1, cookie: `${name}:${destinationPort} ${seen}` }
        : { ...back, type: 'ABORT', initiateTag: 0, cookie: '' }
      batch.reply(index, encodeSctp(answer))
    }
  })
}

function addressOf(peer: Uint32Array, family: IpFamily): string {
  const bytes = new Uint8Array(peer.buffer, peer.byteOffset)
  return formatIp({ family, bytes: family === 'IPv4' ? bytes.slice(4, 8) : bytes.slice(8, 24) })
}

const MSG_DONTWAIT = 0x40
let lastPort = 20_000
const nextPort = (): number => (lastPort = lastPort === 60_000 ? 20_001 : lastPort + 1)

export interface SctpTarget {
  readonly family: IpFamily
  readonly address: string
  readonly port: number
}

/**
 * Sends an INIT: the answer's cookie, `refused`, `timeout` or an error number. An ICMP error reaches every raw socket of
 * the namespace that is connected to the address: do not mix ports that refuse with others at one time.
 */
export function exchangeSctp(fd: number, { family, address, port }: SctpTarget, waitMs: number): Promise<string> {
  const target = socketAddress(address, 0)
  connect(fd, target, target.length)
  const sourcePort = nextPort()
  const initiateTag = sourcePort
  const buffer = Buffer.alloc(2048)
  // A kernel with SCTP of its own aborts what only a raw socket serves: another answer may follow.
  let silence: 'timeout' | 'refused' = 'timeout'
  return new Promise((resolve) => {
    const finish = (outcome: string): void => {
      clearTimeout(timer)
      poll.close()
      close(fd)
      resolve(outcome)
    }
    const receive = (): boolean => {
      for (;;) {
        const length = recv(fd, buffer, buffer.length, MSG_DONTWAIT)
        if (length < 0) return hasFailed()
        const answer = decodeSctp(payloadOf(buffer.subarray(0, length), family))
        const isOurs = answer?.sourcePort === port && answer.destinationPort === sourcePort
        if (!isOurs || answer.verificationTag !== initiateTag) continue
        if (answer.type === 'ABORT') silence = 'refused'
        if (answer.type !== 'INIT ACK') continue
        finish(answer.cookie)
        return true
      }
    }
    const hasFailed = (): boolean => {
      const errno = lastErrno()
      if (errno === errnoOf.EAGAIN) return false
      finish(errno === errnoOf.ECONNREFUSED ? 'refused' : `errno ${errno}`)
      return true
    }
    const poll = pollReadable(fd, receive)
    // What has arrived by then counts, also when this process was too busy to look.
    const timer = setTimeout(() => setImmediate(() => void (receive() || finish(silence))), waitMs)
    const init = { sourcePort, destinationPort: port, verificationTag: 0, initiateTag, cookie: '' } as const
    const bytes = encodeSctp({ ...init, type: 'INIT' })
    // What a local process sends into a refusal fails itself (EPERM), and the refusal waits on the socket.
    if (send(fd, bytes, bytes.length, 0) >= 0) return
    if (lastErrno() === errnoOf.EPERM) receive()
    else hasFailed()
  })
}
