/** What a command may know of the world outside; only `src/bin` makes one. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home directory. */
  readonly homeDir: string
  readonly uid: number
  readonly cwd: string
  /** Results. */
  readonly print: (text: string) => void
  /** Progress, warnings and errors. */
  readonly say: (text: string) => void
  readonly readStdin: () => Promise<string>
  /** Whether stderr is a terminal that shows colour and UTF-8. */
  readonly decorated: boolean
  readonly nowMs: () => number
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** The Node executable, and the files it runs as frontdesk's own processes. */
  readonly nodePath: string
  readonly programs: { readonly controlPlane: string; readonly hostProbe: string }
  /** The directory of the package, with its manifest and examples. */
  readonly packageDir: string
}
