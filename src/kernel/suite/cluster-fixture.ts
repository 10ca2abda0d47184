/** Two nodes and helpers to run containers on them, for scenarios. */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { planAddresses, planNode, podIpv6 } from '#lib/address-plan.ts'
import { clusterPaths } from '../cluster-paths.ts'
import { hasIpv6 } from '../probe-ipv6.ts'
import type { ContainerLaunch, LaunchedContainer } from '../sandbox/container-launch.ts'
import { startNamespaceBroker, type KernelBroker } from '../start-namespace-broker.ts'
import { watchExit } from '../watch-exit.ts'

const plan = planAddresses(30, hasIpv6() ? ['IPv4', 'IPv6'] : ['IPv4'])
const nodes = [planNode(plan, 1), planNode(plan, 2)]

export interface StartedPod extends LaunchedContainer {
  readonly ip: string
  /** Absent where the kernel has no IPv6. */
  readonly ip6?: string
  readonly dir: string
  /** Resolves with the content of the exit file. */
  exited(): Promise<number>
  log(): string
}

export interface ClusterFixture extends AsyncDisposable {
  readonly broker: KernelBroker
  readonly paths: ReturnType<typeof clusterPaths>
  start(name: string, node: 1 | 2, argv: readonly string[], changes?: Partial<ContainerLaunch>): Promise<StartedPod>
  /** Once more the container of a pod that was started. */
  relaunch(name: string, argv: readonly string[]): Promise<LaunchedContainer>
}

export async function openCluster(base: string): Promise<ClusterFixture> {
  const runDir = path.join(base, 'run')
  const broker = await startNamespaceBroker({ runDir })
  const paths = clusterPaths(runDir)
  await broker.ensureUnderlay(plan)
  for (const node of nodes) await broker.ensureNodeNetwork(plan, node, nodes)
  let lastAddress = 1
  const removals: (() => Promise<void>)[] = []
  return {
    broker,
    paths,
    start: async (name, node, argv, changes = {}) => {
      const ip = `10.${244 - plan.index}.${node}.${++lastAddress}`
      const dir = path.join(base, 'pods', name)
      mkdirSync(dir, { recursive: true })
      const ip6 = podIpv6(nodes[node - 1]!, ip)
      const addresses = { ip, ...(ip6 !== undefined && { ip6 }) }
      await broker.ensurePodSandbox({ uid: name, hostname: name, ...addresses, node })
      const launched = await broker.launchContainer({ ...defaultLaunch(paths, name, dir), argv, ...changes })
      const ended = Promise.withResolvers<void>()
      const watch = watchExit(launched.shim, ended.resolve)
      removals.push(async () => {
        watch.close()
        await broker.removePodSandbox({ uid: name, ...addresses, node })
      })
      return {
        ...launched,
        ...addresses,
        dir,
        exited: async () => {
          await ended.promise
          return Number(readFileSync(path.join(dir, 'exit'), 'utf8'))
        },
        log: () => readFileSync(path.join(dir, 'log'), 'utf8'),
      }
    },
    relaunch: (name, argv) =>
      broker.launchContainer({ ...defaultLaunch(paths, name, path.join(base, 'pods', name)), argv }),
    [Symbol.asyncDispose]: async () => {
      for (const remove of removals) await remove()
      await broker[Symbol.asyncDispose]()
    },
  }
}

function defaultLaunch(paths: ReturnType<typeof clusterPaths>, name: string, dir: string): ContainerLaunch {
  return {
    namespaces: { net: paths.pod(name), uts: paths.uts(name), ipc: paths.ipc(name) },
    rootfs: {
      target: path.join(dir, 'rootfs'),
      scratch: path.join(dir, 'rw'),
      memoryScratch: paths.memory(name),
      source: 'host',
      leaveOut: [paths.runDir],
    },
    readOnlyRoot: false,
    shmDir: paths.shm(name),
    forget: [paths.runDir],
    files: [{ path: '/etc/hosts', content: `127.0.0.1 localhost ${name}\n` }],
    mounts: [],
    argv: [],
    env: [`PATH=${process.env.PATH}`],
    workingDir: '',
    user: { imageUser: '', groups: [] },
    privileged: false,
    addCapabilities: [],
    dropCapabilities: [],
    noNewPrivileges: false,
    stateDir: dir,
    stdoutPath: path.join(dir, 'log'),
    stderrPath: path.join(dir, 'log'),
    stdin: 'none',
    tty: false,
  }
}
