/** Joins a client's streams with a running command, whatever transport carries them. */
import type { ExecOptions, ExecSession, TerminalSize } from '#api/pod-streams.ts'
import { statusOfExit, statusOfFailure } from './exec-status.ts'
import type { FinalStatus } from './exec-status.ts'

export interface ExecPeer {
  /** Ends when the client half-closes it or is gone. */
  readonly stdin: AsyncIterable<Uint8Array>
  /** Called back for every new size of the client's terminal. */
  onResize(callback: (size: TerminalSize) => void): void
  write(channel: 'stdout' | 'stderr', chunk: Uint8Array): Promise<void>
  /** Tells how it ended and closes the connection in good order. */
  finish(status: FinalStatus): Promise<void>
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal
}

/** Not every client tells a size, and none before it is connected. */
const firstSizeWithinMs = 200

/** `start` gets the size that a terminal is to have from the beginning: programs ask for it once. */
export async function runExec(
  peer: ExecPeer,
  options: ExecOptions,
  start: (size: TerminalSize | undefined) => Promise<ExecSession>,
  patienceMs = firstSizeWithinMs,
): Promise<void> {
  const sizes = followSizes(peer)
  let session: ExecSession
  try {
    if (options.tty) await sizes.untilFirst(patienceMs)
    session = await start(sizes.latest())
  } catch (error) {
    await peer.finish(statusOfFailure(error))
    return
  }
  const close = () => session.close()
  if (peer.gone.aborted) close()
  else peer.gone.addEventListener('abort', close, { once: true })
  sizes.apply((size) => session.resize(size))
  // Not awaited: a command may end while its client still types.
  if (options.stdin) void pumpStdin(peer, session)
  try {
    await Promise.all([
      pumpOutput(peer, 'stdout', session.stdout, options.stdout),
      pumpOutput(peer, 'stderr', session.stderr, options.stderr && !options.tty),
    ])
    await peer.finish(statusOfExit(await session.exitCode))
  } catch (error) {
    await peer.finish(statusOfFailure(error))
  } finally {
    peer.gone.removeEventListener('abort', close)
    session.close()
  }
}

function followSizes(peer: ExecPeer) {
  const first = Promise.withResolvers<void>()
  let latest: TerminalSize | undefined
  let resize: (size: TerminalSize) => void = () => {}
  peer.gone.addEventListener('abort', () => first.resolve(), { once: true })
  peer.onResize((size) => {
    latest = size
    first.resolve()
    resize(size)
  })
  return {
    latest: () => latest,
    untilFirst: async (patienceMs: number): Promise<void> => {
      const timer = setTimeout(first.resolve, patienceMs)
      await first.promise
      clearTimeout(timer)
    },
    /** Also what came before. */
    apply: (apply: typeof resize): void => {
      resize = apply
      if (latest) apply(latest)
    },
  }
}

async function pumpStdin(peer: ExecPeer, session: ExecSession): Promise<void> {
  try {
    for await (const chunk of peer.stdin) await session.writeStdin(chunk)
    session.endStdin()
  } catch {
    // The command has ended or closed its input. Its exit code tells the rest.
  }
}

/** Output that nobody wants is still read, or the command would block. */
async function pumpOutput(
  peer: ExecPeer,
  channel: 'stdout' | 'stderr',
  source: AsyncIterable<Uint8Array>,
  wanted: boolean,
): Promise<void> {
  for await (const chunk of source) {
    if (wanted && !peer.gone.aborted) await peer.write(channel, chunk)
  }
}
