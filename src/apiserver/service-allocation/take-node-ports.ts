/** The node ports of one write, and the port of its health checks, which comes from the same range. */
import type { Finding } from '#api/kind.ts'
import { Service, type ServicePort } from '#api/service.ts'
import { mayHaveNodePorts, needsHealthCheckNodePort, needsNodePorts } from '#api/service-rules.ts'
import { internalError, invalid } from '../api-errors.ts'
import { portsOf } from './held-values.ts'
import { portOwnerOf } from './node-port-lock.ts'
import type { NodePorts } from './node-ports.ts'

export interface PortTaking {
  readonly ports: NodePorts
  readonly service: Service
  readonly before: Service | undefined
  readonly dryRun: boolean
  /** Grows as numbers are taken, so that a failure half-way can be undone. */
  readonly taken: number[]
}

/** Changes `service`: ports without a number get one, where the type wants it. */
export async function takeNodePorts(taking: PortTaking): Promise<void> {
  const { spec } = taking.service
  // A dry run takes nothing, but must not choose one number twice.
  const chosen = new Set<number>()
  if (mayHaveNodePorts(spec)) {
    const ports = spec.ports ?? []
    const findings = await (taking.before ? updatePorts(taking, ports, chosen) : createPorts(taking, ports, chosen))
    if (findings.length > 0) throw invalid(Service, taking.service.metadata.name, findings)
  }
  if (needsHealthCheckNodePort(spec)) await takeHealthCheckPort(taking, chosen)
}

/** One port number of a new Service has one node port, whatever its protocols. */
async function createPorts(taking: PortTaking, ports: readonly ServicePort[], chosen: Set<number>): Promise<Finding[]> {
  const findings: Finding[] = []
  const shared = new Map<number, number>()
  const isTaken = new Map<number, number>()
  for (const { port, nodePort } of ports) if (nodePort) shared.set(port, shared.get(port) ?? nodePort)
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort && !needsNodePorts(taking.service.spec)) continue
    const asked = port.nodePort || shared.get(port.port)
    if (asked === undefined) port.nodePort = await takeAny(taking, chosen)
    else {
      port.nodePort = asked
      if (isTaken.get(asked) !== port.port) findings.push(...(await takeOne(taking, asked, fieldOf(index), chosen)))
    }
    isTaken.set(port.nodePort, port.port)
    shared.set(port.port, shared.get(port.port) ?? port.nodePort)
  }
  return findings
}

/** No sharing: what was there stays, what is new is taken, what is missing gets a number of its own. */
async function updatePorts(taking: PortTaking, ports: readonly ServicePort[], chosen: Set<number>): Promise<Finding[]> {
  const had = new Set(portsOf(taking.before!.spec))
  const findings: Finding[] = []
  for (const { nodePort } of ports) if (nodePort && had.has(nodePort)) chosen.add(nodePort)
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort && !needsNodePorts(taking.service.spec)) continue
    if (!port.nodePort) port.nodePort = await takeAny(taking, chosen)
    else if (!chosen.has(port.nodePort)) {
      findings.push(...(await takeOne(taking, port.nodePort, fieldOf(index), chosen)))
    }
  }
  return findings
}

async function takeHealthCheckPort(taking: PortTaking, chosen: Set<number>): Promise<void> {
  const { spec } = taking.service
  const asked = spec.healthCheckNodePort
  if (!asked) {
    const failure = 'failed to allocate a HealthCheck NodePort : range is full'
    spec.healthCheckNodePort = await takeAny(taking, chosen, failure)
    return
  }
  if (taking.before?.spec.healthCheckNodePort === asked) return
  const why = await refusal(taking, asked, chosen)
  if (why) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`)
}

const fieldOf = (index: number): string => `spec.ports[${index}].nodePort`

async function takeOne(taking: PortTaking, port: number, field: string, chosen: Set<number>): Promise<Finding[]> {
  const why = await refusal(taking, port, chosen)
  return why ? [{ field, reason: 'FieldValueInvalid', message: `Invalid value: ${port}: ${why}` }] : []
}

/** Takes the number, or says why not. */
async function refusal(taking: PortTaking, port: number, chosen: Set<number>): Promise<string | undefined> {
  const { ports, service, dryRun, taken } = taking
  if (port < ports.first || port > ports.last) {
    return `provided port is not in the valid range. The range of valid ports is ${ports.first}-${ports.last}`
  }
  const isFree = dryRun
    ? !chosen.has(port) && ports.holderOf(port) === undefined
    : await ports.take(port, portOwnerOf(service))
  if (!isFree) return 'provided port is already allocated'
  chosen.add(port)
  if (!dryRun) taken.push(port)
  return undefined
}

async function takeAny(
  { ports, service, dryRun, taken }: PortTaking,
  chosen: Set<number>,
  failure = 'failed to allocate a nodePort: range is full',
): Promise<number> {
  const port = dryRun ? ports.guess(chosen) : await ports.takeAny(portOwnerOf(service))
  if (port === undefined) throw internalError(failure)
  chosen.add(port)
  if (!dryRun) taken.push(port)
  return port
}
