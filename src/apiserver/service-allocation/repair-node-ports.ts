/** Mends node ports and their locks where they came apart: damage, a server killed between two writes. */
import type { Kind } from '#api/kind.ts'
import { Service } from '#api/service.ts'
import type { Log } from '#observe/log.ts'
import type { WriteDeps } from '../write/write.ts'
import { portOwnerOf } from './node-port-lock.ts'
import type { NodePorts } from './node-ports.ts'
import { planNodePortRepair, type PortLeak, type PortRepair } from './plan-node-port-repair.ts'
import { writeServiceEvent } from './write-service-event.ts'

/** A number is locked before its Service is stored: only one that stays alone for several passes has leaked. */
const passesBeforeFreeing = 3

export interface NodePortRepairDeps {
  readonly write: () => WriteDeps
  readonly ports: NodePorts
  readonly log: Log
}

/** @returns one pass over everything, to be called from time to time */
export function createNodePortRepair({ write, ports, log }: NodePortRepairDeps): () => Promise<void> {
  let suspects = new Map<string, number>()

  const mend = async (repair: PortRepair): Promise<void> => {
    const { service, port, reason, message } = repair
    if (repair.stale) await ports.giveBack(port, repair.stale)
    if (repair.take && !(await ports.take(port, portOwnerOf(service)))) return
    log.warn({ service: `${service.metadata.namespace}/${service.metadata.name}`, port, reason }, message)
    await tell(service, reason, message)
  }
  /** Events are for people: one that cannot be written (its namespace is going, say) stops no repair. */
  const tell = async (service: Service, reason: string, message: string): Promise<void> => {
    try {
      await writeServiceEvent(write(), service, reason, message)
    } catch (error) {
      log.warn({ reason, error: String(error) }, 'an event was not written')
    }
  }
  const countLeaks = async (leaks: readonly PortLeak[]): Promise<void> => {
    const seen = new Map<string, number>()
    for (const { port, owner } of leaks) {
      const key = `${port} ${owner.uid}`
      const passes = (suspects.get(key) ?? 0) + 1
      if (passes < passesBeforeFreeing) seen.set(key, passes)
      else await ports.giveBack(port, owner)
    }
    suspects = seen
  }

  return async () => {
    const { objects } = write()
    await objects.fresh()
    const services = objects.list(Service as unknown as Kind).map(({ object }) => object as Service)
    const { repairs, leaks } = planNodePortRepair({
      services,
      held: ports.held(),
      first: ports.first,
      last: ports.last,
    })
    for (const repair of repairs) await mend(repair)
    await countLeaks(leaks)
  }
}
