/**
 * How soon a new pod gets traffic: from the moment at which a watching API client is told that the pod is ready, to the
 * first connection through the Service's cluster IP that succeeds, tried from every node's network each millisecond.
 * Negative when the route was there before the client heard of it.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import { createInformers, type Informers } from '#client/create-informers.ts'
import { enterHolderCommand } from '#kernel/holder.ts'
import { startBenchCluster } from './bench-cluster.ts'
import type { Connected, Target } from './try-connecting.ts'

const port = 80
const server = `require('node:net').createServer((socket) => socket.end()).listen(8080)`

/** @returns milliseconds, one per round and node */
export async function measureFirstConnection({ nodes = 3, rounds = 10 } = {}): Promise<number[]> {
  await using cluster = await startBenchCluster(nodes)
  const holder = (await cluster.processes()).find(({ role }) => role === 'holder')
  if (!holder) throw new Error('Cannot measure: the cluster has no holder process')
  const stop = new AbortController()
  await using informers = createInformers(cluster.client, stop.signal)
  await using connector = await startConnector(holder.pid, cluster.runDir, nodes)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const name = `first-${round}`
    const address = await createService(cluster.client, name)
    const ready = untilReady(informers, name)
    const connected = connector.connect({ address, port }, nodes)
    await createPod(cluster.client, name)
    const readyAtMs = await ready
    times.push(...(await connected).map(({ atMs }) => atMs - readyAtMs))
    await cluster.client.of(Pod).delete({ namespace: 'default', name }, { gracePeriodSeconds: 0 })
  }
  stop.abort()
  return times
}

async function createService(client: Client, name: string): Promise<string> {
  const spec = { selector: { app: name }, ports: [{ port, targetPort: 8080 }] }
  const made = await client.of(Service).create({ metadata: { name, namespace: 'default' }, spec })
  return made.spec?.clusterIP ?? ''
}

async function createPod(client: Client, name: string): Promise<void> {
  const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 }
  const container = { name: 'server', image: 'localhost/host', command: ['node', '--eval', server], readinessProbe }
  await client.of(Pod).create({
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 0, containers: [container] },
  })
}

function untilReady(informers: Informers, name: string): Promise<number> {
  return new Promise((resolve) => {
    informers.of(Pod).onChange(({ after }) => {
      const { conditions = [] } = after?.metadata.name === name ? (after.status ?? {}) : {}
      if (conditions.some(({ type, status }) => type === 'Ready' && status === 'True'))
        resolve(performance.timeOrigin + performance.now())
    })
  })
}

interface Connector extends AsyncDisposable {
  connect(target: Target, nodes: number): Promise<Connected[]>
}

async function startConnector(holderPid: number, runDir: string, nodes: number): Promise<Connector> {
  const [enter = '', ...args] = enterHolderCommand({ pid: holderPid, privileged: process.getuid?.() === 0 })
  const helper = [process.execPath, `${import.meta.dirname}/try-connecting.ts`, runDir, String(nodes)]
  const child = spawn(enter, [...args, ...helper], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const read = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('Cannot measure: the connecting process has ended')
    return value as string
  }
  await read()
  return {
    connect: async (target, count) => {
      child.stdin.write(`${JSON.stringify(target)}\n`)
      const connected: Connected[] = []
      while (connected.length < count) connected.push(JSON.parse(await read()) as Connected)
      return connected
    },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.stdin.end()
      child.kill()
      await closed
    },
  }
}
