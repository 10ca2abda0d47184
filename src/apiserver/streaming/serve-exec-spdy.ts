/** exec and attach over native SPDY/3.1: one stream each for stdin, stdout, stderr, error and resize. */
import type { ExecOptions, TerminalSize } from '#api/pod-streams.ts'
import type { BytePipe } from './byte-pipe.ts'
import { parseTerminalSize } from './encode-channels.ts'
import { encodeStatus } from './exec-status.ts'
import type { ExecPeer } from './run-exec.ts'
import { runSpdySession } from './spdy-session.ts'
import type { SpdyStream } from './spdy-session.ts'

export const spdyExecProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
] as const

const streamsWithinMs = 30_000
/** The client closes when it has read the status; closing first could lose it, as client-go drops queued frames. */
const lingerMs = 10_000

export async function execSpdyPeer(pipe: BytePipe, protocol: string, options: ExecOptions): Promise<ExecPeer> {
  const gone = new AbortController()
  const wanted = wantedStreams(options, protocol)
  const streams = new Map<string, SpdyStream>()
  const complete = Promise.withResolvers<void>()
  const over = runSpdySession(pipe, (stream) => {
    const type = stream.headers.streamtype ?? ''
    if (!wanted.includes(type) || streams.has(type)) {
      void stream.reset()
      return
    }
    streams.set(type, stream)
    if (streams.size === wanted.length) complete.resolve()
  })
    // A peer that breaks the protocol is treated like one that has gone.
    .catch(() => {})
    .finally(() => {
      gone.abort()
      complete.reject(new Error('Cannot run: the client closed the connection before it opened all streams'))
    })
  const timer = setTimeout(() => {
    complete.reject(new Error(`Cannot run: the client did not open the streams ${wanted.join(', ')} in time`))
    pipe.close()
  }, streamsWithinMs)
  await complete.promise.finally(() => clearTimeout(timer))
  return {
    stdin: streams.get('stdin')?.readable ?? empty(),
    gone: gone.signal,
    onResize: (callback) => void readSizes(streams.get('resize'), callback),
    write: async (channel, chunk) => streams.get(channel)?.write(chunk),
    finish: async (status) => {
      await Promise.all([streams.get('stdout')?.end(), streams.get('stderr')?.end()])
      const text = encodeStatus(status, protocol)
      if (text !== undefined) await streams.get('error')?.write(Buffer.from(text))
      await streams.get('error')?.end()
      const linger = setTimeout(() => pipe.close(), lingerMs)
      await over
      clearTimeout(linger)
    },
  }
}

function wantedStreams(options: ExecOptions, protocol: string): string[] {
  const hasResize = options.tty && /^v[345]\./.test(protocol)
  return [
    'error',
    ...(options.stdin ? ['stdin'] : []),
    ...(options.stdout ? ['stdout'] : []),
    ...(options.stderr && !options.tty ? ['stderr'] : []),
    ...(hasResize ? ['resize'] : []),
  ]
}

async function* empty(): AsyncGenerator<Uint8Array> {}

/** One JSON document per line. */
async function readSizes(stream: SpdyStream | undefined, callback: (size: TerminalSize) => void): Promise<void> {
  if (!stream) return
  let rest = ''
  for await (const chunk of stream.readable) {
    const lines = (rest + Buffer.from(chunk).toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const size of lines.map(parseTerminalSize)) if (size) callback(size)
  }
}
