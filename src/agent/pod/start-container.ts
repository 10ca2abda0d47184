/** Starts one run of a container: image, variables, files, process. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Container } from '#api/container.ts'
import type { Pod } from '#api/pod.ts'
import type { ClusterPaths } from '#kernel/cluster-paths.ts'
import { clusterDomain, internalIps } from '#lib/address-plan.ts'
import type { ContainerLaunch, ContainerUser, StdinMode } from '#kernel/sandbox/container-launch.ts'
import type { AgentContext } from '../agent-context.ts'
import { buildEnvironment, ConfigError } from '../environment/build-environment.ts'
import { expandVariables } from '../environment/expand-variables.ts'
import { podHostname, renderHosts, renderNodeHosts } from '../environment/render-hosts.ts'
import { renderResolvConf } from '../environment/render-resolv-conf.ts'
import { renderServiceVariables, selectLinkedServices } from '../environment/render-service-variables.ts'
import { outputFiles } from '../streams/watch-output.ts'
import { applyMounts } from '../volumes/apply-mounts.ts'
import type { ContainerInstance } from './container-record.ts'
import type { PodDir } from './open-pod-dir.ts'
import { resolveImage, type ResolvedImage } from './resolve-image.ts'

export interface StartInput {
  readonly context: AgentContext
  readonly pod: Pod
  readonly container: Container
  readonly attempt: number
  readonly dir: PodDir
  readonly podIps: readonly string[]
  readonly volumes: ReadonlyMap<string, string>
}

export interface StartedContainer {
  readonly instance: ContainerInstance
  /** Our end of its stdin or terminal. */
  readonly stdinFd?: number
}

/** Throws ImageUnavailableError, ConfigError, LaunchError. */
export async function startContainer(input: StartInput, signal: AbortSignal): Promise<StartedContainer> {
  const { context, pod, container, dir, attempt } = input
  const image = await resolveImage(context, pod, container, signal)
  const env = await containerEnvironment(input, image)
  const instanceDir = dir.instance(container.name, attempt)
  mkdirSync(instanceDir, { recursive: true })
  const launch = planLaunch(input, image, env, instanceDir)
  const launched = await context.broker.launchContainer(launch)
  const instance: ContainerInstance = {
    attempt,
    id: randomBytes(32).toString('hex'),
    image: image.name,
    imageId: image.id,
    shim: launched.shim,
    startedAtMs: context.clock.nowMs(),
    env: launched.env,
    uid: launched.uid,
    gid: launched.gid,
    groups: launch.user.groups,
    rootfs: launch.rootfs.target,
    tty: launch.tty,
    stdin: launch.stdin,
  }
  return { instance, ...(launched.stdinFd !== undefined && { stdinFd: launched.stdinFd }) }
}

async function containerEnvironment(input: StartInput, image: ResolvedImage): Promise<Map<string, string>> {
  const { context, pod, container, podIps } = input
  const namespace = pod.metadata.namespace ?? 'default'
  const linked = selectLinkedServices(context.services.list(), namespace, pod.spec.enableServiceLinks ?? true)
  const env = await buildEnvironment({
    pod,
    container,
    podIps,
    hostIps: internalIps(context.addresses),
    allocatable: context.allocatable,
    imageEnv: image.config.env,
    serviceVariables: renderServiceVariables(linked),
    objects: context.objects,
  })
  if (!env.has('HOSTNAME')) env.set('HOSTNAME', pod.spec.hostNetwork ? context.nodeName : podHostname(pod))
  return env
}

function planLaunch(
  input: StartInput,
  image: ResolvedImage,
  env: ReadonlyMap<string, string>,
  instanceDir: string,
): ContainerLaunch {
  const { context, pod, container, volumes } = input
  const { paths } = context
  const uid = pod.metadata.uid ?? ''
  const interactive = (container.stdin ?? false) && !container.tty
  const files = outputFiles(instanceDir, interactive)
  const expand = (text: string) => expandVariables(text, (name) => env.get(name))
  const terminationLog = path.join(instanceDir, 'termination-log')
  writeFileSync(terminationLog, '')
  // For every user of the container, whatever our umask.
  chmodSync(terminationLog, 0o666)
  const mounts = applyMounts(container, volumes, env)
  const security = container.securityContext
  return {
    namespaces: {
      net: pod.spec.hostNetwork ? paths.node(context.addresses.number) : paths.pod(uid),
      uts: paths.uts(uid),
      ipc: paths.ipc(uid),
    },
    rootfs: {
      target: path.join(instanceDir, 'rootfs'),
      scratch: path.join(instanceDir, 'rw'),
      memoryScratch: memoryScratch(paths, uid, container.name, input.attempt),
      source: image.source,
      leaveOut: [paths.runDir],
    },
    readOnlyRoot: security?.readOnlyRootFilesystem ?? false,
    shmDir: paths.shm(uid),
    forget: [paths.runDir],
    files: managedFiles(input).filter(({ path: file }) => !mounts.some((mount) => mount.target === file)),
    mounts: [
      ...mounts,
      { source: terminationLog, target: container.terminationMessagePath ?? '/dev/termination-log', readOnly: false },
    ],
    argv: planArguments(container, image, expand),
    env: [...env].map(([name, value]) => `${name}=${value}`),
    workingDir: container.workingDir ?? image.config.workingDir,
    user: selectUser(pod, container, image),
    privileged: security?.privileged ?? false,
    addCapabilities: security?.capabilities?.add ?? [],
    dropCapabilities: security?.capabilities?.drop ?? [],
    noNewPrivileges: security?.allowPrivilegeEscalation === false,
    stateDir: instanceDir,
    stdoutPath: files.stdout,
    stderrPath: files.stderr,
    stdin: selectStdin(container),
    tty: container.tty ?? false,
  }
}

/** Where on the cluster's tmpfs one run of a container writes. */
export function memoryScratch(paths: ClusterPaths, uid: string, container: string, attempt: number): string {
  return path.join(paths.memory(uid), 'rw', container, String(attempt))
}

function planArguments(container: Container, image: ResolvedImage, expand: (text: string) => string): string[] {
  const { command = [], args = [] } = container
  // A command of the pod's own also replaces the image's arguments.
  const entry = command.length > 0 ? command.map(expand) : image.config.entrypoint
  const rest = args.length > 0 ? args.map(expand) : command.length > 0 ? [] : image.config.cmd
  return [...entry, ...rest]
}

function selectUser(pod: Pod, container: Container, image: ResolvedImage): ContainerUser {
  const own = container.securityContext
  const shared = pod.spec.securityContext
  const uid = own?.runAsUser ?? shared?.runAsUser
  const gid = own?.runAsGroup ?? shared?.runAsGroup
  const isRoot = uid === 0 || (uid === undefined && ['', '0', 'root'].includes(image.config.user.split(':')[0]!))
  if ((own?.runAsNonRoot ?? shared?.runAsNonRoot) && isRoot) {
    throw new ConfigError('container has runAsNonRoot and image will run as root')
  }
  const groups = [...(shared?.supplementalGroups ?? []), ...(shared?.fsGroup === undefined ? [] : [shared.fsGroup])]
  return {
    imageUser: image.config.user,
    groups,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  }
}

function selectStdin(container: Container): StdinMode {
  if (!container.stdin) return 'none'
  return container.stdinOnce ? 'once' : 'keep'
}

function managedFiles({ context, pod, podIps }: StartInput): { path: string; content: string }[] {
  const dns = renderResolvConf({
    pod,
    clusterDns: [context.plan.dnsServiceIp],
    clusterDomain,
    host: context.hostResolver(),
  })
  for (const message of dns.omissions) context.events(pod, 'Warning', 'DNSConfigForming', message)
  const hosts = pod.spec.hostNetwork
    ? renderNodeHosts(pod, readFileSync('/etc/hosts', 'utf8'))
    : renderHosts(pod, podIps, clusterDomain)
  const hostname = pod.spec.hostNetwork ? context.nodeName : podHostname(pod)
  return [
    { path: '/etc/resolv.conf', content: dns.text },
    { path: '/etc/hosts', content: hosts },
    { path: '/etc/hostname', content: `${hostname}\n` },
  ]
}
