/** `frontdesk dns trace POD NAME`: every question that the pod's resolver asks for a name, and what each costs. */
import http from 'node:http'
import { readFileSync } from 'node:fs'
import { parseResolvConf, renderResolvConf } from '#agent/environment/render-resolv-conf.ts'
import { Pod } from '#api/pod.ts'
import { isNotFound } from '#api/status-error.ts'
import type { Trace } from '#dns/trace-search.ts'
import { clusterDomain, dnsStatusPort, planAddresses } from '#lib/address-plan.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { openCluster } from './open-client.ts'
import { renderTrace } from './render-trace.ts'

/** Each question waits five seconds for its answer; a search path may have many. */
const patienceMs = 60_000

export interface DnsTraceOptions {
  readonly namespace: string
  readonly name?: string
  readonly output?: string
}

export async function dnsTrace(
  context: CliContext,
  pod: string,
  name: string,
  options: DnsTraceOptions,
): Promise<void> {
  await using cluster = await openCluster(context, options.name)
  const ref = { namespace: options.namespace, name: pod }
  const found = await cluster.client.of(Pod).get(ref).catch(refusePod(pod, options.namespace))
  const plan = planAddresses(cluster.record.index)
  const url = new URL(`http://${plan.hostLoopbackIp}:${dnsStatusPort}/trace`)
  for (const [key, value] of traceQuery(found, name, plan.dnsServiceIp)) url.searchParams.append(key, value)
  const trace = await fetchTrace(url, context.signal)
  if (options.output === 'json') context.print(JSON.stringify(trace, null, 2))
  else context.print(renderTrace(trace))
  if (trace.found === undefined) throw new CliError(exitCodes.answerIsNo, `pod ${pod} finds no address for ${name}`)
}

function refusePod(pod: string, namespace: string) {
  return (cause: unknown): never => {
    if (!isNotFound(cause)) throw cause
    throw new CliError(exitCodes.notFound, `there is no pod ${pod} in namespace ${namespace}`, {}, { cause })
  }
}

/** What the pod's resolv.conf says, made as the node agent makes it. */
function traceQuery(pod: Pod, name: string, dnsServiceIp: string): [string, string][] {
  const { uid = '' } = pod.metadata
  const address = pod.status?.podIP
  if (!address || pod.spec.hostNetwork) {
    throw new CliError(exitCodes.failed, `pod ${pod.metadata.name} has no network of its own`, {
      cause: address ? 'it uses the network of its node' : 'it has no address yet',
    })
  }
  const host = parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8'))
  const { text } = renderResolvConf({ pod, clusterDns: [dnsServiceIp], clusterDomain, host })
  const { nameservers, searches, options } = parseResolvConf(text)
  const ndots = options.findLast((option) => option.startsWith('ndots:'))?.slice(6) ?? '1'
  return [
    ['uid', uid],
    ['address', address],
    ['server', nameservers[0] ?? dnsServiceIp],
    ['name', name],
    ['ndots', ndots],
    ...searches.map((domain): [string, string] => ['search', domain]),
  ]
}

function fetchTrace(url: URL, signal: AbortSignal): Promise<Trace> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      const fix = 'frontdesk status    shows whether the edge process runs'
      reject(new CliError(exitCodes.failed, 'cluster DNS cannot be asked', { cause: String(cause), fix }, { cause }))
    }
    http
      .get(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]) }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', fail)
        response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text) as Trace) : fail(text)))
      })
      .on('error', fail)
  })
}
