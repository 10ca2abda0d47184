/**
 * Starts a container from the thread that owns namespaces. All synchronous: the thread is in the pod's namespaces, and
 * then in a new mount namespace of the container's own, until the process has been started.
 */
import { constants, mkdirSync, openSync, readFileSync, writeFileSync, unlinkSync, lstatSync } from 'node:fs'
import path from 'node:path'
import { findProgram } from '../find-program.ts'
import { checked, close, mount, setns, umount2, unshare } from '../libc.ts'
import { closeAll, makePipe, setMountReadOnly } from '../libc-process.ts'
import { CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS, openPath, type ThreadHome } from '../namespaces.ts'
import { spawnProcess } from '../posix-spawn.ts'
import { identifyProcess } from '../process-identity.ts'
import { isInitialUserNamespace } from '../user-namespace.ts'
import { clearLeftovers } from './clear-leftovers.ts'
import { LaunchError, type ContainerLaunch, type LaunchedContainer } from './container-launch.ts'
import { hasId, resolveUser, type ResolvedUser } from './container-user.ts'
import { requireExecutable } from './find-executable.ts'
import { mountDevices, mountSys } from './mount-devices.ts'
import { MS_BIND, MS_REC, mountRootfs } from './mount-rootfs.ts'
import { planCapabilities, planCommand } from './plan-command.ts'
import { ensureMountPoint, resolveInRoot } from './resolve-in-root.ts'
import { openTerminal } from './terminal.ts'

const MS_SLAVE = 1 << 19
const MNT_DETACH = 2
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export function launchContainer(home: ThreadHome, launch: ContainerLaunch): LaunchedContainer {
  mkdirSync(launch.stateDir, { recursive: true })
  clearLeftovers(launch)
  return inPod(home, launch, () => {
    const root = launch.rootfs.target
    buildRoot(launch)
    const user = mappedUser(resolveUser(root, launch.user))
    const env = completeEnv(launch, user)
    const searchPath = env.find((variable) => variable.startsWith('PATH='))?.slice(5) ?? defaultPath
    const [program] = launch.argv
    if (program === undefined) throw new LaunchError('no command specified')
    requireExecutable(root, program, launch.workingDir, searchPath)
    for (const hidden of launch.forget) checked('forget', umount2(hidden, MNT_DETACH), hidden)
    return startShim(launch, user, env)
  })
}

function inPod<T>(home: ThreadHome, launch: ContainerLaunch, run: () => T): T {
  const { net, uts, ipc } = launch.namespaces
  try {
    enter(net, CLONE_NEWNET)
    enter(uts, CLONE_NEWUTS)
    enter(ipc, CLONE_NEWIPC)
    checked('make a mount namespace', unshare(CLONE_NEWNS))
    checked('separate mounts', mount('none', '/', null, MS_REC | MS_SLAVE, null))
    return run()
  } finally {
    checked('return home', setns(home.mnt, CLONE_NEWNS))
    checked('return home', setns(home.net, CLONE_NEWNET))
    checked('return home', setns(home.uts, CLONE_NEWUTS))
    checked('return home', setns(home.ipc, CLONE_NEWIPC))
  }
}

function enter(namespace: string, kind: number): void {
  const fd = openPath(namespace)
  try {
    checked('enter namespace', setns(fd, kind), namespace)
  } finally {
    close(fd)
  }
}

function buildRoot(launch: ContainerLaunch): void {
  const root = launch.rootfs.target
  mountRootfs(launch.rootfs)
  for (const file of launch.files) replaceFile(root, file.path, file.content)
  for (const directory of ['/proc', '/sys', '/dev', '/tmp', launch.workingDir || '/']) {
    mkdirSync(resolveInRoot(root, directory), { recursive: true })
  }
  for (const entry of launch.mounts) ensureMountPoint(root, entry.target, entry.source)
  if (launch.readOnlyRoot) setMountReadOnly(root)
  mountDevices(root, launch.shmDir)
  mountSys(root)
  for (const entry of launch.mounts) {
    // Again, because it may lie below an earlier one, or in /dev.
    const target = ensureMountPoint(root, entry.target, entry.source)
    checked('mount volume', mount(entry.source, target, null, MS_BIND | MS_REC, null), entry.target)
    if (entry.readOnly) setMountReadOnly(target)
  }
}

/** In place of what the image has there, which may be a link to somewhere else (/etc/resolv.conf often is). */
function replaceFile(root: string, inside: string, content: string): void {
  const directory = resolveInRoot(root, path.posix.dirname(inside))
  mkdirSync(directory, { recursive: true })
  const file = path.join(directory, path.posix.basename(inside))
  try {
    if (lstatSync(file)) unlinkSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  writeFileSync(file, content, { mode: 0o644 })
}

/** In a user namespace that lacks the wanted id the process keeps id 0, which is just the user who started us. */
function mappedUser(user: ResolvedUser): ResolvedUser & { readonly mayChange: boolean } {
  const uidMap = readFileSync('/proc/self/uid_map', 'utf8')
  const gidMap = readFileSync('/proc/self/gid_map', 'utf8')
  const denied = readFileSync('/proc/self/setgroups', 'utf8').trim() === 'deny'
  const mayChange = !denied && hasId(uidMap, user.uid) && hasId(gidMap, user.gid)
  const groups = user.groups.filter((group) => hasId(gidMap, group))
  return mayChange ? { ...user, groups, mayChange } : { ...user, uid: 0, gid: 0, groups: [], mayChange }
}

function completeEnv(launch: ContainerLaunch, user: ResolvedUser): string[] {
  const has = (name: string) => launch.env.some((variable) => variable.startsWith(`${name}=`))
  return [
    ...(has('PATH') ? [] : [`PATH=${defaultPath}`]),
    ...(has('HOME') ? [] : [`HOME=${user.home}`]),
    ...(launch.tty && !has('TERM') ? ['TERM=xterm'] : []),
    ...launch.env,
  ]
}

function startShim(
  launch: ContainerLaunch,
  user: ResolvedUser & { mayChange: boolean },
  env: readonly string[],
): LaunchedContainer {
  // A user namespace confines by itself; taking capabilities away there would only cost time.
  const confined = !launch.privileged && isInitialUserNamespace()
  const argv = planCommand({
    root: launch.rootfs.target,
    workingDir: launch.workingDir,
    argv: launch.argv,
    env,
    tty: launch.tty,
    user,
    mayChangeUser: user.mayChange,
    capabilities: confined ? planCapabilities(launch.addCapabilities, launch.dropCapabilities) : undefined,
    noNewPrivileges: launch.noNewPrivileges,
    stateDir: launch.stateDir,
    findProgram,
  })
  const streams = openStreams(launch)
  try {
    const pid = spawnProcess({ path: argv[0]!, argv, env, fds: streams.child })
    const shim = identifyProcess(pid)
    if (!shim) throw new LaunchError('the container ended before it had begun')
    return { shim, uid: user.uid, gid: user.gid, env, ...(streams.ours !== undefined && { stdinFd: streams.ours }) }
  } catch (error) {
    closeAll([streams.ours])
    throw error
  } finally {
    closeAll(streams.temporary)
  }
}

interface Streams {
  /** For descriptors 0, 1, 2 and, to be kept by the shim, 3. */
  readonly child: readonly number[]
  readonly ours?: number
  readonly temporary: readonly number[]
}

function openStreams(launch: ContainerLaunch): Streams {
  if (launch.tty) {
    const { masterFd, slaveFd } = openTerminal(`${launch.rootfs.target}/dev/pts/ptmx`)
    return { child: [slaveFd, slaveFd, slaveFd, masterFd], ours: masterFd, temporary: [slaveFd] }
  }
  const out = openAppend(launch.stdoutPath)
  const err = launch.stderrPath === launch.stdoutPath ? out : openAppend(launch.stderrPath)
  const outputs = err === out ? [out] : [out, err]
  if (launch.stdin === 'none') {
    const input = openSync('/dev/null', 'r')
    return { child: [input, out, err], temporary: [input, ...outputs] }
  }
  const { readFd, writeFd } = makePipe()
  const kept = launch.stdin === 'keep' ? [writeFd] : []
  return { child: [readFd, out, err, ...kept], ours: writeFd, temporary: [readFd, ...outputs] }
}

function openAppend(file: string): number {
  const { O_WRONLY, O_CREAT, O_APPEND } = constants
  return openSync(file, O_WRONLY | O_CREAT | O_APPEND, 0o640)
}
