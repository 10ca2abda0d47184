/** The chain of small programs that turns a prepared mount namespace into a running container. */

export interface CommandInput {
  readonly root: string
  readonly workingDir: string
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly tty: boolean
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  /** False in a user namespace with one id: setgroups is denied there. */
  readonly mayChangeUser: boolean
  /** Absent: all capabilities stay. */
  readonly capabilities: readonly string[] | undefined
  readonly noNewPrivileges: boolean
  /** The directory that gets the exit file. */
  readonly stateDir: string
  readonly findProgram: (name: string) => string
}

/**
 * The shim waits in the outer pid namespace and writes the exit code with builtins only: by then its children's pid
 * namespace is dead and it cannot fork. Descriptor 3 keeps a terminal or stdin open for us and is none of the
 * container's business. TERM gets a handler because an ignored signal would be inherited. Its own words ("Killed") must
 * not get into the container's output.
 */
export const shimScript =
  'd=$1; shift; trap : TERM INT HUP; exec 4>&2 2>/dev/null; (exec "$@" 2>&4 3>&- 4>&-); echo $? >"$d/exit"'

const defaultCapabilities = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'setfcap',
] as const

/** Kubernetes' names (`NET_ADMIN`, `ALL`) applied to the usual set; undefined when everything is allowed. */
export function planCapabilities(add: readonly string[], drop: readonly string[]): readonly string[] | undefined {
  const name = (capability: string) => capability.toLowerCase().replace(/^cap_/, '')
  const added = add.map(name)
  const dropped = drop.map(name)
  if (added.includes('all') && dropped.length === 0) return undefined
  const kept = dropped.includes('all') ? [] : defaultCapabilities.filter((capability) => !dropped.includes(capability))
  return [...new Set([...kept, ...added.filter((capability) => capability !== 'all')])]
}

export function planCommand(input: CommandInput): string[] {
  const program = input.findProgram
  return [
    program('unshare'),
    '--pid',
    program('sh'),
    '-c',
    shimScript,
    'shim',
    input.stateDir,
    ...(input.tty ? [program('setsid'), '--ctty'] : []),
    ...unusualVariables(input),
    ...(restricts(input) ? restrictedEntry(input) : [program('unshare'), '--mount-proc']),
    `--root=${input.root}`,
    `--wd=${input.workingDir || '/'}`,
    ...(changesUser(input) ? ['-S', String(input.user.uid), ...plainGroup(input)] : []),
    '--',
    ...input.argv,
  ]
}

/** Shells drop variables whose names they cannot spell. */
function unusualVariables({ env, findProgram }: CommandInput): string[] {
  const unusual = env.filter((variable) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(variable))
  return unusual.length > 0 ? [findProgram('env'), ...unusual] : []
}

const changesUser = ({ user, mayChangeUser }: CommandInput) =>
  mayChangeUser && (user.uid !== 0 || user.gid !== 0 || user.groups.length > 0)

const restricts = (input: CommandInput) =>
  input.capabilities !== undefined || input.noNewPrivileges || (input.mayChangeUser && input.user.groups.length > 0)

/** proc is mounted while that is still allowed; then the bounding set shrinks, and takes effect with the next exec. */
function restrictedEntry(input: CommandInput): string[] {
  const program = input.findProgram
  const bounding = input.capabilities && boundingSet(input.capabilities, changesUser(input))
  return [
    program('unshare'),
    `--mount-proc=${input.root}/proc`,
    program('setpriv'),
    ...(bounding ? [`--bounding-set=${bounding}`] : []),
    ...(input.noNewPrivileges ? ['--no-new-privs'] : []),
    ...(groupsBySetpriv(input) ? [`--regid=${input.user.gid}`, `--groups=${input.user.groups.join(',')}`] : []),
    program('unshare'),
  ]
}

const groupsBySetpriv = (input: CommandInput) => changesUser(input) && input.user.groups.length > 0

function plainGroup(input: CommandInput): string[] {
  return groupsBySetpriv(input) ? [] : ['-G', String(input.user.gid)]
}

/** What the last step itself needs stays in: chroot, and for another user the change. */
function boundingSet(capabilities: readonly string[], changesUser: boolean): string {
  const needed = ['sys_chroot', ...(changesUser ? ['setuid', 'setgid'] : [])]
  return ['-all', ...new Set([...capabilities, ...needed])].map((c) => (c === '-all' ? c : `+${c}`)).join(',')
}
