/** The thread that enters namespaces: answers requests from start-namespace-broker.ts, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { SystemCallError } from './libc.ts'
import { namespaceOperations, type NamespaceOperations } from './namespace-operations.ts'
import { settleThread } from './namespaces.ts'
import { preferShortSlices } from './time-slice.ts'

export interface BrokerRequest {
  readonly id: number
  readonly operation: keyof NamespaceOperations
  readonly arguments: readonly unknown[]
}

export interface BrokerFailure {
  readonly name: string
  readonly message: string
  readonly errno?: number
  readonly call?: string
}

export type BrokerResponse =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: BrokerFailure }

if (parentPort) {
  const port = parentPort
  const { runDir } = workerData as { runDir: string }
  // Containers are started here.
  preferShortSlices({ inherited: false })
  const operations = namespaceOperations(settleThread(), runDir)
  port.on('message', (request: BrokerRequest) => port.postMessage(answer(operations, request)))
  port.postMessage({ id: 0, result: undefined } satisfies BrokerResponse)
}

function answer(operations: NamespaceOperations, request: BrokerRequest): BrokerResponse {
  try {
    const operation = operations[request.operation] as (...args: readonly unknown[]) => unknown
    return { id: request.id, result: operation(...request.arguments) }
  } catch (error) {
    return { id: request.id, failure: describe(error) }
  }
}

function describe(error: unknown): BrokerFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message } = error
  return error instanceof SystemCallError ? { name, message, errno: error.errno, call: error.call } : { name, message }
}
