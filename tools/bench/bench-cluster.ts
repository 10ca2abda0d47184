/** A cluster for measuring: made by the command line as a user would, in a directory of its own, gone afterwards. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Client } from '#client/contract.ts'
import { createClient } from '#client/create-client.ts'
import { httpsTransport } from '#client/https-transport.ts'
import { readKubeconfig } from '#client/read-kubeconfig.ts'

export interface BenchCluster extends AsyncDisposable {
  readonly name: string
  readonly client: Client
  /** Wall time of `frontdesk up`, from starting the command to its end. */
  readonly upMs: number
  /** Its tmpfs, as seen inside the holder's mount namespace. */
  readonly runDir: string
  /** Frontdesk's own processes. */
  processes(): Promise<readonly ClusterProcess[]>
  /** `frontdesk up` once more. */
  up(): Promise<void>
}

export interface ClusterProcess {
  readonly role: string
  readonly pid: number
}

const root = path.resolve(import.meta.dirname, '../..')
const name = 'bench'

/** @param more for the environment of its processes */
export async function startBenchCluster(
  nodes: number,
  more: Readonly<Record<string, string>> = {},
): Promise<BenchCluster> {
  const home = mkdtempSync(path.join(tmpdir(), 'frontdesk-bench-'))
  const env = { ...process.env, ...more, FRONTDESK_HOME: home, KUBECONFIG: path.join(home, 'kubeconfig') }
  const frontdesk = (...args: string[]) => run(process.execPath, [path.join(root, 'bin/frontdesk.js'), ...args], env)
  const remove = async () => {
    await frontdesk('down', name)
    rmSync(home, { recursive: true, force: true })
  }
  const begun = performance.now()
  try {
    await frontdesk('up', name, '--nodes', String(nodes), '--quiet')
  } catch (error) {
    await remove()
    throw error
  }
  const upMs = performance.now() - begun
  const transport = httpsTransport(await readKubeconfig({ paths: [env.KUBECONFIG] }))
  return {
    name,
    client: createClient({ transport, userAgent: 'frontdesk-bench' }),
    upMs,
    runDir: path.join(home, 'clusters', name, 'run'),
    processes: async () => {
      const status = JSON.parse(await frontdesk('status', name, '-o', 'json')) as { processes: ClusterProcess[] }
      return status.processes
    },
    up: async () => {
      await frontdesk('up', name, '--quiet')
    },
    [Symbol.asyncDispose]: async () => {
      await transport[Symbol.asyncDispose]()
      await remove()
    },
  }
}

/** @returns standard output; throws with everything that was printed when the program fails */
export async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const child = spawn(program, args, { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], cwd: root })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  return stdout
}

/** Processor time of a process with all its threads, in the kernel's steps of 10 ms. */
export function readCpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
