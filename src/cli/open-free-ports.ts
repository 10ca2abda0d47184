/** Finds what is free on this machine: an API port, and a cluster index that no running cluster of any user holds. */
import net from 'node:net'
import { maxClusters } from '#lib/address-plan.ts'

/** Name of the abstract socket that a running control plane holds: machine-wide, gone when it dies. */
export function indexClaimName(index: number): string {
  return `\0frontdesk/cluster-index/${index}`
}

export async function findFreePort(host: string): Promise<number> {
  const server = await listen({ host, port: 0 })
  const address = server?.address()
  if (!server || address === null || typeof address !== 'object') throw new Error(`Cannot find a free port on ${host}`)
  await new Promise((resolve) => server.close(resolve))
  return address.port
}

/** The lowest index that is neither recorded here nor held by a running cluster of somebody else. */
export async function findFreeIndex(recorded: ReadonlySet<number>): Promise<number | undefined> {
  for (let index = 0; index < maxClusters; index++) {
    if (!recorded.has(index) && (await isFree(index))) return index
  }
  return undefined
}

async function isFree(index: number): Promise<boolean> {
  const server = await listen({ path: indexClaimName(index) })
  if (!server) return false
  await new Promise((resolve) => server.close(resolve))
  return true
}

/** A listening server, or undefined when the address is taken. */
function listen(options: net.ListenOptions): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(options, () => resolve(server))
  })
}
