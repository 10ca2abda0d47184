/** exec, attach, logs and connections for all pods of the agents of this process. */
import type { ContainerRef, ExecOptions, ExecSession, LogOptions, PodConnection, PodStreams } from '#api/pod-streams.ts'
import { StatusError } from '#api/status-error.ts'
import { connectInNetns } from '#kernel/connect-in-netns.ts'
import { runInContainer, type RunningCommand } from '#kernel/run-in-container.ts'
import { untilEntered } from '#kernel/sandbox/container-process.ts'
import type { ContainerRunner } from '../pod/run-container.ts'
import type { PodRunner } from '../pod/run-pod.ts'
import { isRunning } from '../pod/container-record.ts'
import { outputFiles } from './watch-output.ts'
import { readLogs } from './read-logs.ts'

/** What the streams need of a node agent. */
export interface PodDirectory {
  findPod(namespace: string, name: string): PodRunner | undefined
}

export function createPodStreams(agents: readonly PodDirectory[]): PodStreams {
  const findPod = (namespace: string, name: string): PodRunner => {
    const found = agents.map((agent) => agent.findPod(namespace, name)).find((pod) => pod !== undefined)
    if (!found) throw notFound(`pods "${name}" not found`, name)
    return found
  }
  const findContainer = (ref: ContainerRef) => {
    const pod = findPod(ref.namespace, ref.pod)
    const container = pod.container(ref.container)
    if (!container?.record.current) throw notStarted(ref, container)
    return { pod, container }
  }
  return {
    exec: async (ref, command, options, signal) => {
      const { container } = findContainer(ref)
      return execIn(container, command, options, signal)
    },
    attach: async (ref, options, signal) => attachTo(findContainer(ref).container, options, signal),
    logs: async (ref, options, signal) => {
      const { pod, container } = findContainer(ref)
      return logsOf(pod, container, options, signal)
    },
    dial: async (ref, port) => dialPod(findPod(ref.namespace, ref.pod), port),
  }
}

async function execIn(
  container: ContainerRunner,
  argv: readonly string[],
  options: ExecOptions,
  signal: AbortSignal,
): Promise<ExecSession> {
  const instance = container.record.current!
  const pid = isRunning(container.record) ? await untilEntered(instance.shim, instance.rootfs) : undefined
  if (pid === undefined) throw badRequest(`cannot exec in a stopped container: ${container.record.name} is not running`)
  const { env, uid, gid } = instance
  let command: RunningCommand
  try {
    const { stdin, tty, size } = options
    command = runInContainer({ pid, argv, env, uid, gid, stdin, tty, ...(size && { size }) })
  } catch (cause) {
    const reason = `failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: ${(cause as Error).message}: unknown`
    throw internalError(`error executing command in container: ${reason}`, cause)
  }
  const close = () => command.kill()
  signal.addEventListener('abort', close, { once: true })
  void command.exitCode.finally(() => signal.removeEventListener('abort', close))
  return {
    stdout: quietly(command.stdout),
    stderr: command.stderr ? quietly(command.stderr) : empty(),
    writeStdin: (chunk) => command.write(chunk),
    endStdin: () => command.endStdin(),
    resize: ({ width, height }) => command.resize(width, height),
    exitCode: command.exitCode,
    close,
  }
}

/** Cut off by `close`, a terminal whose other side has gone (EIO), a peer that has reset: all are just the end. */
const ends = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'EIO', 'ECONNRESET', 'EPIPE'])

async function* quietly(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* stream
  } catch (error) {
    if (!ends.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

async function* empty(): AsyncIterable<Uint8Array> {}

function attachTo(container: ContainerRunner, options: ExecOptions, signal: AbortSignal): ExecSession {
  const instance = container.record.current!
  const first = !instance.attached && (instance.stdin !== 'none' || instance.tty)
  // Also to one that has ended already, if nobody has seen its output yet: short commands end before kubectl comes.
  if (!container.output || (instance.exit && !first)) {
    throw badRequest(`container ${container.record.name} is not running: it cannot be attached to`)
  }
  container.noteAttached()
  return container.output.attach(options, first, signal)
}

function logsOf(pod: PodRunner, container: ContainerRunner, options: LogOptions, signal: AbortSignal) {
  const { current, name } = container.record
  if (!options.previous) {
    const { output } = container
    const files = output?.files ?? outputFiles(pod.dir.instance(name, current!.attempt), false)
    return readLogs({ files, ...(output && !current!.exit && { live: output.live }) }, options, signal)
  }
  if (current!.attempt === 0) {
    throw badRequest(`previous terminated container "${name}" in pod "${pod.pod.metadata.name}" not found`)
  }
  const separate = current!.stdin !== 'none' && !current!.tty
  const files = outputFiles(pod.dir.instance(name, current!.attempt - 1), separate)
  return readLogs({ files }, { ...options, follow: false }, signal)
}

const dialTimeoutMs = 30_000

/** From inside the pod's network, as kubelet does: also to what listens on loopback only. */
async function dialPod(pod: PodRunner, port: number): Promise<PodConnection> {
  const { context, podIp, uid } = pod
  if (podIp === undefined) throw badRequest(`unable to forward port because pod is not running`)
  const hostNetwork = pod.pod.spec.hostNetwork ?? false
  const netns = hostNetwork ? context.paths.node(context.addresses.number) : context.paths.pod(uid)
  const signal = AbortSignal.timeout(dialTimeoutMs)
  let failure: unknown
  for (const address of ['127.0.0.1', podIp, '::1']) {
    try {
      const socket = await connectInNetns(context.broker, { netns, address, port }, signal)
      // Its users see the end of the stream; an unhandled error event would end the process.
      socket.on('error', () => {})
      return {
        readable: quietly(socket),
        write: (chunk) =>
          new Promise((resolve, reject) => socket.write(chunk, (error) => (error ? reject(error) : resolve()))),
        end: () => void socket.end(),
        destroy: () => void socket.destroy(),
      }
    } catch (error) {
      failure ??= error
    }
  }
  throw internalError(`failed to connect to localhost:${port} inside namespace: ${(failure as Error).message}`, failure)
}

function notStarted(ref: ContainerRef, container: ContainerRunner | undefined): StatusError {
  const reason = container?.record.waiting?.reason ?? 'ContainerCreating'
  return badRequest(`container "${ref.container}" in pod "${ref.pod}" is waiting to start: ${reason}`)
}

const failure = (code: number, reason: string, message: string, cause?: unknown) =>
  new StatusError(
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
    cause === undefined ? undefined : { cause },
  )
const badRequest = (message: string) => failure(400, 'BadRequest', message)
const internalError = (message: string, cause: unknown) =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, cause)
const notFound = (message: string, name: string) =>
  new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'NotFound',
    details: { name, kind: 'pods' },
    code: 404,
  })
