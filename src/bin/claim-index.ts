/** Holding an address range for as long as this process lives. */
import net from 'node:net'
import type { ClusterRecord } from '#cli/cluster-record.ts'
import { indexClaimName } from '#cli/open-free-ports.ts'

/** Another cluster on this machine, whoever's it is, uses the same address ranges. */
export class IndexTakenError extends Error {
  constructor({ name, index }: ClusterRecord, options: ErrorOptions) {
    super(`Cannot start cluster ${name}: its address ranges (index ${index}) are in use by another cluster`, options)
    this.name = 'IndexTakenError'
  }
}

/** While we run, no other cluster of this machine gets our address ranges. */
export async function claimIndex(record: ClusterRecord): Promise<AsyncDisposable> {
  const server = net.createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new IndexTakenError(record, { cause })))
    server.listen(indexClaimName(record.index), resolve)
  })
  server.unref()
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}
