/**
 * What the API server needs from whoever runs the pods, for the streaming subresources (exec, attach, log,
 * portforward, proxy). The node agent offers this shape; the composition root passes it to the server.
 */
export interface ContainerRef {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

export interface ExecOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
  /** Of the terminal when the command begins; 0 x 0 when the client has not told it. */
  readonly size?: TerminalSize
}

export interface TerminalSize {
  readonly width: number
  readonly height: number
}

/** A running command or an attached container. Streams end when it has exited or `close` was called. */
export interface ExecSession {
  readonly stdout: AsyncIterable<Uint8Array>
  /** Empty when there is a terminal: everything comes on stdout. */
  readonly stderr: AsyncIterable<Uint8Array>
  /** Resolves when the bytes were taken (back-pressure). */
  writeStdin(chunk: Uint8Array): Promise<void>
  endStdin(): void
  resize(size: TerminalSize): void
  /** Exit code; 128 + n for signal n. */
  readonly exitCode: Promise<number>
  close(): void
}

export interface LogOptions {
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tailLines?: number
  readonly sinceTimeMs?: number
  readonly limitBytes?: number
}

/** One byte stream to a port of a pod. */
export interface PodConnection {
  readonly readable: AsyncIterable<Uint8Array>
  write(chunk: Uint8Array): Promise<void>
  /** Half-closes. */
  end(): void
  destroy(): void
}

/** Failures throw StatusError. */
export interface PodStreams {
  exec(ref: ContainerRef, command: readonly string[], options: ExecOptions, signal: AbortSignal): Promise<ExecSession>
  attach(ref: ContainerRef, options: ExecOptions, signal: AbortSignal): Promise<ExecSession>
  logs(ref: ContainerRef, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
  dial(pod: { readonly namespace: string; readonly pod: string }, port: number): Promise<PodConnection>
}
