/** Pods without pods: a PodStreams that really runs small commands, keeps logs and answers on ports. For tests. */
import http from 'node:http'
import { Duplex, PassThrough } from 'node:stream'
import { createHash } from 'node:crypto'
import type {
  ContainerRef,
  ExecOptions,
  ExecSession,
  PodConnection,
  PodStreams,
  TerminalSize,
} from '#api/pod-streams.ts'
import { ByteQueue } from '../streaming/byte-queue.ts'

export interface FakePodStreams extends PodStreams {
  /** Commands that were started and not yet closed. */
  readonly running: ReadonlySet<ExecSession>
  /** Appends a line to a container's log. */
  log(ref: ContainerRef, line: string): void
}

type Program = (io: ProgramIo) => Promise<number> | number

interface ProgramIo {
  readonly args: readonly string[]
  readonly stdin: AsyncIterable<Uint8Array>
  readonly options: ExecOptions
  readonly out: (data: Uint8Array | string) => void
  readonly err: (data: Uint8Array | string) => void
  readonly onResize: (callback: (size: TerminalSize) => void) => void
  readonly closed: AbortSignal
}

const programs: Readonly<Record<string, Program>> = {
  cat: async ({ stdin, out }) => {
    for await (const chunk of stdin) out(chunk)
    return 0
  },
  echo: ({ args, out }) => {
    out(`${args.join(' ')}\n`)
    return 0
  },
  exit: ({ args, out, err }) => {
    out('to stdout\n')
    err('to stderr\n')
    return Number(args[0])
  },
  sha256: async ({ stdin, out }) => {
    const hash = createHash('sha256')
    for await (const chunk of stdin) hash.update(chunk)
    out(`${hash.digest('hex')}\n`)
    return 0
  },
  zeros: ({ args, out }) => {
    const block = new Uint8Array(32 * 1024)
    for (let left = Number(args[0]); left > 0; left -= block.length)
      out(block.subarray(0, Math.min(left, block.length)))
    return 0
  },
  size: ({ onResize, out }) =>
    new Promise((resolve) =>
      onResize(({ width, height }) => {
        out(`${width}x${height}\n`)
        resolve(0)
      }),
    ),
  hang: ({ closed }) => new Promise((resolve) => closed.addEventListener('abort', () => resolve(137), { once: true })),
}

export function fakePodStreams(): FakePodStreams {
  const running = new Set<ExecSession>()
  const logs = new Map<string, Log>()
  const logOf = ({ namespace, pod, container }: ContainerRef): Log => {
    const key = `${namespace}/${pod}/${container}`
    let log = logs.get(key)
    if (!log) logs.set(key, (log = new Log()))
    return log
  }
  const start = (command: readonly string[], options: ExecOptions): ExecSession => {
    const [name = '', ...args] = command
    const program = programs[name]
    if (!program) throw new Error(`exec: ${JSON.stringify(name)}: executable file not found in $PATH`)
    const session = startProgram(program, args, options, () => running.delete(session))
    running.add(session)
    return session
  }
  return {
    running,
    log: (ref, line) => logOf(ref).append(line),
    exec: async (_ref, command, options) => start(command, options),
    attach: async (_ref, options) => start(['cat'], options),
    logs: async (ref, { follow, tailLines }, signal) => logOf(ref).read(follow, tailLines, signal),
    dial: async (_pod, port) => dial(port),
  }
}

function startProgram(
  program: Program,
  args: readonly string[],
  options: ExecOptions,
  onClose: () => void,
): ExecSession {
  const stdin = new ByteQueue()
  const stdout = new ByteQueue()
  const stderr = new ByteQueue()
  const closed = new AbortController()
  const sizes = new PassThrough({ objectMode: true })
  const write = (queue: ByteQueue) => (data: Uint8Array | string) => queue.push(Buffer.from(data as Uint8Array))
  const exitCode = (async () => {
    const io: ProgramIo = {
      args,
      stdin,
      options,
      out: write(stdout),
      err: write(stderr),
      onResize: (callback) => sizes.on('data', callback),
      closed: closed.signal,
    }
    const code = await program(io)
    stdout.end()
    stderr.end()
    return code
  })()
  return {
    stdout,
    stderr,
    exitCode,
    writeStdin: async (chunk) => stdin.push(Buffer.from(chunk)),
    endStdin: () => stdin.end(),
    resize: (size) => void sizes.write(size),
    close: () => {
      stdin.end()
      closed.abort()
      onClose()
    },
  }
}

class Log {
  readonly #lines: string[] = []
  readonly #readers = new Set<ByteQueue>()

  append(line: string): void {
    this.#lines.push(line)
    for (const reader of this.#readers) reader.push(Buffer.from(`${line}\n`))
  }

  read(follow: boolean, tailLines: number | undefined, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const queue = new ByteQueue()
    const lines = tailLines === undefined ? this.#lines : this.#lines.slice(this.#lines.length - tailLines)
    for (const line of lines) queue.push(Buffer.from(`${line}\n`))
    if (!follow) {
      queue.end()
      return queue
    }
    this.#readers.add(queue)
    signal.addEventListener('abort', () => {
      this.#readers.delete(queue)
      queue.end()
    })
    return queue
  }
}

/** 7 echoes, 80 is an HTTP server, everything else refuses. */
function dial(port: number): PodConnection {
  if (port === 7) return echoConnection()
  if (port === 80) return httpConnection()
  throw new Error('connect: connection refused')
}

function echoConnection(): PodConnection {
  const stream = new PassThrough()
  return connectionOf(stream, stream)
}

const web = http.createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.url === '/redirect') {
      response.writeHead(302, { location: '/target' }).end()
      return
    }
    if (request.url === '/page') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<a href="/x">x</a><img src="//cdn/y">')
      return
    }
    const body = Buffer.concat(chunks).toString()
    const { host, authorization } = request.headers
    const answer = { method: request.method, url: request.url, body, host, authorized: authorization !== undefined }
    response.writeHead(200, { 'content-type': 'application/json', 'x-from': 'pod' }).end(JSON.stringify(answer))
  })
})
web.on('upgrade', (_request, socket: Duplex, head: Buffer) => {
  socket.on('error', () => {})
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  socket.write(head)
  socket.pipe(socket)
})

/** One end of a pair of streams is handed to the HTTP server as a connection. */
function httpConnection(): PodConnection {
  const toServer = new PassThrough()
  const fromServer = new PassThrough()
  web.emit('connection', Duplex.from({ readable: toServer, writable: fromServer }))
  return connectionOf(fromServer, toServer)
}

function connectionOf(readable: PassThrough, writable: PassThrough): PodConnection {
  writable.on('error', () => {})
  readable.on('error', () => {})
  return {
    readable,
    write: (chunk) =>
      new Promise((resolve, reject) => writable.write(chunk, (error) => (error ? reject(error) : resolve()))),
    end: () => void writable.end(),
    destroy: () => {
      readable.destroy()
      writable.destroy()
    },
  }
}
