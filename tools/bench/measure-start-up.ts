/** From the command to three nodes, and to a Service that answers by its DNS name inside a pod. */
import { setTimeout as delay } from 'node:timers/promises'
import { Deployment } from '#api/deployment.ts'
import { Pod } from '#api/pod.ts'
import { Service } from '#api/service.ts'
import type { Client } from '#client/contract.ts'
import { createInformers } from '#client/create-informers.ts'
import { readCpuMs, startBenchCluster } from './bench-cluster.ts'
import { examples } from './examples.ts'

export interface StartUp {
  /** `frontdesk up` has ended: nodes are ready, Services routed, names resolve. */
  readonly upMs: number
  /** examples/hello has answered a pod at http://hello.default.svc.cluster.local. */
  readonly answeredMs: number
  /** Processor time of frontdesk's own long-running processes when `up` ended. */
  readonly cpuMs: number
}

export async function measureStartUp(nodes = 3): Promise<StartUp> {
  const begun = performance.now()
  await using cluster = await startBenchCluster(nodes)
  const { client, upMs } = cluster
  const answered = askFromPod(client).then(() => performance.now() - begun)
  const processes = await cluster.processes()
  const cpuMs = processes.reduce((sum, { pid }) => sum + readCpuMs(pid), 0)
  return { upMs, answeredMs: await answered, cpuMs }
}

const timeoutMs = 60_000

const question = `
  const ask = () => require('node:http').get('http://hello.default.svc.cluster.local', ({ statusCode }) => {
    if (statusCode === 200) process.exit(0)
    again()
  }).on('error', again)
  const again = () => setTimeout(ask, 5)
  ask()`

/** Everything is created at once; resolves when the pod that asks has had its answer and ended. */
async function askFromPod(client: Client): Promise<void> {
  const stop = new AbortController()
  await using informers = createInformers(client, stop.signal)
  const done = new Promise<void>((resolve, reject) => {
    informers.of(Pod).onChange(({ after }) => {
      if (after?.metadata.name !== 'asker') return
      if (after.status?.phase === 'Succeeded') resolve()
      if (after.status?.phase === 'Failed') reject(new Error(`the asking pod failed: ${JSON.stringify(after.status)}`))
    })
  })
  const { deployment, service } = examples()
  await Promise.all([
    client.of(Service).create(service),
    client.of(Deployment).create(deployment),
    client.of(Pod).create({
      metadata: { name: 'asker', namespace: 'default' },
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'asker', image: 'localhost/host', command: ['node', '--eval', question] }],
      },
    }),
  ])
  const late = delay(timeoutMs, undefined, { ref: false, signal: stop.signal }).then(
    () => Promise.reject(new Error(`Cannot measure: no answer after ${timeoutMs / 1000} s`)),
    () => {},
  )
  await Promise.race([done, late])
  stop.abort()
}
