/** `frontdesk url svc/NAME`: prints an address that was just seen to answer from this host, and nothing else. */
import net from 'node:net'
import { Node } from '#api/node.ts'
import { Service } from '#api/service.ts'
import { isNotFound } from '#api/status-error.ts'
import { schemeOf } from '#host-access/plan-localhost.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { openCluster } from './open-client.ts'
import { type Candidate, renderUrl, selectCandidates, selectServicePort } from './select-service-urls.ts'

export interface UrlOptions {
  readonly namespace: string
  readonly name?: string
  readonly port?: string
}

const connectTimeoutMs = 1000

export async function url(context: CliContext, target: string, options: UrlOptions): Promise<void> {
  context.print(await findUrl(context, target, options))
}

export async function findUrl(context: CliContext, target: string, options: UrlOptions): Promise<string> {
  const serviceName = parseTarget(target)
  await using cluster = await openCluster(context, options.name)
  const service = await cluster.client
    .of(Service)
    .get({ namespace: options.namespace, name: serviceName })
    .catch((cause: unknown) => {
      if (!isNotFound(cause)) throw cause
      throw new CliError(
        exitCodes.notFound,
        `there is no Service ${serviceName} in namespace ${options.namespace}`,
        {},
        { cause },
      )
    })
  const port = selectServicePort(service, options.port)
  if (!port)
    throw new CliError(exitCodes.notFound, `Service ${serviceName} has no port ${options.port ?? ''}`.trimEnd())
  const nodes = (await cluster.client.of(Node).list()).items
  const scheme = schemeOf(port)
  const candidates = selectCandidates(service, port, nodes, context.uid === 0)
  for (const candidate of candidates) {
    if (scheme === 'udp' || (await answers(candidate))) return renderUrl(scheme, candidate)
  }
  const tried = candidates.map(({ host, port: number }) => `${host}:${number}`).join(', ')
  throw new CliError(exitCodes.answerIsNo, `Service ${serviceName} does not answer from this host`, {
    cause: tried === '' ? `it has no address (type ${service.spec?.type})` : `nothing answers at ${tried}`,
    fix: `kubectl describe service ${serviceName} -n ${options.namespace}    shows whether it has endpoints`,
  })
}

function parseTarget(target: string): string {
  const match = /^(?:svc|service|services)\/([^/]+)$/.exec(target)
  if (match?.[1]) return match[1]
  throw new CliError(exitCodes.usage, `${JSON.stringify(target)} is not a Service`, { fix: 'write svc/NAME' })
}

/**
 * A forwarder accepts before it knows whether the Service answers, and resets when it does not: an answer is a
 * connection that stays open for a moment.
 */
function answers({ host, port }: Candidate): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port })
    const settle = (result: boolean): void => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(connectTimeoutMs, () => settle(false))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
    socket.once('data', () => settle(true))
    socket.once('connect', () => setTimeout(() => settle(true), settleMs))
  })
}

const settleMs = 100
