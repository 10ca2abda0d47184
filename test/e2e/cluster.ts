/** A cluster made by the command line under test, and kubectl pointed at it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { node, program } from './checkout.ts'
import {
  type CommandOptions,
  type CommandResult,
  type RunningCommand,
  runCommand,
  startCommand,
  tryCommand,
} from './run-command.ts'
import type { TestUser } from './test-users.ts'

type Extra = Omit<CommandOptions, 'user'>

export interface Cluster extends AsyncDisposable {
  readonly name: string
  readonly user: TestUser
  /** Gives standard output; throws with everything printed if kubectl fails. */
  kubectl(args: readonly string[], extra?: Extra): Promise<string>
  tryKubectl(args: readonly string[], extra?: Extra): Promise<CommandResult>
  startKubectl(args: readonly string[]): RunningCommand
  get<T = KubeObject>(args: readonly string[]): Promise<T>
  apply(manifest: string): Promise<string>
  frontdesk(args: readonly string[], extra?: Extra): Promise<string>
  /** `up` once more with the same settings. */
  up(): Promise<string>
  /** What a reader needs to understand a failure: objects, events, logs. */
  diagnose(): Promise<string>
}

export interface KubeObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly deletionTimestamp?: string
    readonly uid: string
  }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

export interface ClusterOptions {
  readonly name: string
  readonly user: TestUser
  readonly nodes: number
  /** URL of the registry that answers for docker.io. */
  readonly mirror: string
}

const upTimeoutMs = 120_000

export async function startCluster({ name, user, nodes, mirror }: ClusterOptions): Promise<Cluster> {
  const config = join(user.home, `${name}.yaml`)
  await writeFile(config, renderConfig(nodes, mirror))
  if (user.ids) await chown(config, user.ids.uid, user.ids.gid)
  const kubeconfig = join(user.home, `${name}.kubeconfig`)
  const env = { FRONTDESK_HOME: join(user.home, 'state'), KUBECONFIG: kubeconfig }
  const options = (extra: Extra = {}): CommandOptions => ({ ...extra, user, env: { ...env, ...extra.env } })
  const frontdesk = (args: readonly string[], extra?: Extra) => runCommand([node, program, ...args], options(extra))
  const up = () => frontdesk(['up', name, '--config', config, '--kubeconfig', kubeconfig], { timeoutMs: upTimeoutMs })
  const kubectl = (args: readonly string[], extra?: Extra) => runCommand(['kubectl', ...args], options(extra))
  const cluster: Cluster = {
    name,
    user,
    kubectl,
    tryKubectl: (args, extra) => tryCommand(['kubectl', ...args], options(extra)),
    startKubectl: (args) => startCommand(['kubectl', ...args], options()),
    get: async <T>(args: readonly string[]) => JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as T,
    apply: (manifest) => kubectl(['apply', '-f', '-'], { input: manifest }),
    frontdesk,
    up,
    diagnose: async () => {
      const objects = existsSync(kubeconfig) ? await describeObjects(cluster) : []
      return [...objects, ...readLogs(join(env.FRONTDESK_HOME, 'clusters', name, 'logs'))].join('\n')
    },
    [Symbol.asyncDispose]: async () => {
      await frontdesk(['down', name])
    },
  }
  try {
    await up()
  } catch (error) {
    const report = await cluster.diagnose()
    await cluster[Symbol.asyncDispose]()
    throw new Error(`${(error as Error).message}\n${report}`, { cause: error })
  }
  return cluster
}

function renderConfig(nodes: number, mirror: string): string {
  return `apiVersion: frontdesk.dev/v1alpha1
kind: Cluster
nodes: ${nodes}
registries:
  docker.io:
    mirrors: ["${mirror}"]
`
}

function describeObjects(cluster: Cluster): Promise<readonly string[]> {
  const questions = [
    ['get', 'nodes,deployments,replicasets,statefulsets,services,endpointslices,pods', '-A', '-o', 'wide'],
    ['get', 'events', '-A', '--sort-by=.metadata.creationTimestamp'],
  ]
  return Promise.all(
    questions.map(async (args) => {
      const { stdout, stderr } = await cluster.tryKubectl([...args, '--request-timeout=5s'], { timeoutMs: 15_000 })
      return `$ kubectl ${args.join(' ')}\n${lastLines(stdout + stderr, 60)}`
    }),
  )
}

function readLogs(dir: string): readonly string[] {
  try {
    return readdirSync(dir).map(
      (name) => `$ tail ${join(dir, name)}\n${lastLines(readFileSync(join(dir, name), 'utf8'), 30)}`,
    )
  } catch (error) {
    return [`no logs: ${(error as Error).message}`]
  }
}

const lastLines = (text: string, count: number) => text.trimEnd().split('\n').slice(-count).join('\n')
