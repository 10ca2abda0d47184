/** Brings examples/hello into a cluster and asks each of its pods once, through its Service. */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { loadAll } from 'js-yaml'
import { Deployment } from '#api/deployment.ts'
import type { KubeObject } from '#api/meta.ts'
import { Service } from '#api/service.ts'
import { isAlreadyExists } from '#api/status-error.ts'
import type { Client } from '#client/contract.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { openCluster } from './open-client.ts'
import type { Steps } from './render-steps.ts'
import { findUrl } from './run-url.ts'

const readyTimeoutMs = 30_000
const pollMs = 20
const maxRequests = 200

/** @param name of a cluster that runs */
export async function runHello(context: CliContext, name: string, steps: Steps): Promise<void> {
  await using cluster = await openCluster(context, name)
  const replicas = await createHello(context, cluster.client)
  await waitUntilAvailable(cluster.client, replicas)
  steps.done('hello', `${replicas} replicas ready`)
  const address = await findUrl(context, 'svc/hello', { namespace: 'default', name })
  const answers = await askUntilAllAnswered(address, replicas)
  context.print(`\n$ curl ${address}        (one Service, ${answers.size} pods; ${address} works from this machine)`)
  for (const answer of answers) context.print(answer)
}

async function createHello(context: CliContext, client: Client): Promise<number> {
  const folder = `${context.packageDir}/examples/hello`
  const objects = ['deployment.yaml', 'service.yaml'].flatMap((file) =>
    loadAll(readFileSync(`${folder}/${file}`, 'utf8')),
  ) as KubeObject[]
  let replicas = 1
  for (const object of objects) {
    const placed = { ...object, metadata: { namespace: 'default', ...object.metadata } }
    if (object.kind === 'Deployment') replicas = (placed as Deployment).spec?.replicas ?? 1
    const create =
      object.kind === 'Deployment'
        ? client.of(Deployment).create(placed as Deployment)
        : client.of(Service).create(placed as Service)
    await create.catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  }
  return replicas
}

async function waitUntilAvailable(client: Client, replicas: number): Promise<void> {
  for (const end = Date.now() + readyTimeoutMs; ; await delay(pollMs)) {
    const { status } = await client.of(Deployment).get({ namespace: 'default', name: 'hello' })
    if ((status?.availableReplicas ?? 0) >= replicas) return
    if (Date.now() > end) {
      throw new CliError(exitCodes.timedOut, `examples/hello is not ready after ${readyTimeoutMs / 1000} s`, {
        fix: 'kubectl describe pods -l app=hello',
      })
    }
  }
}

/** New connections until every pod has answered once. @returns the distinct answers */
async function askUntilAllAnswered(address: string, pods: number): Promise<Set<string>> {
  const answers = new Set<string>()
  for (let asked = 0; answers.size < pods && asked < maxRequests; asked++) answers.add((await ask(address)).trimEnd())
  return answers
}

function ask(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get(address, { agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve(text)).on('error', reject)
      })
      .on('error', reject)
  })
}
