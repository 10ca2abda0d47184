/** Starts the namespace thread and offers its operations as promises. */
import { readdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { SystemCallError } from './libc.ts'
import type { NamespaceBroker } from './namespace-broker.ts'
import type { NamespaceOperations } from './namespace-operations.ts'
import type { BrokerFailure, BrokerResponse } from './namespace-worker.ts'
import { LaunchError } from './sandbox/container-launch.ts'

type Remote<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : never
}

/** The broker with everything that a node agent and the composition root need beyond sockets. */
export type KernelBroker = NamespaceBroker & Remote<NamespaceOperations> & AsyncDisposable

const operationNames: Record<keyof NamespaceOperations, true> = {
  openNetlink: true,
  openTcpListener: true,
  openUdpSocket: true,
  openSharedUdpSocket: true,
  openTcpSockets: true,
  ensureUnderlay: true,
  ensureNodeNetwork: true,
  ensureHostAccess: true,
  ensurePodSandbox: true,
  removePodSandbox: true,
  launchContainer: true,
}

/** `runDir`: the cluster's tmpfs, in the mount namespace of this process. */
export async function startNamespaceBroker(options: { readonly runDir: string }): Promise<KernelBroker> {
  // libuv's thread pool takes the namespace of the thread that first uses it: let that be this one.
  await readdir('/')
  const worker = new Worker(new URL('./namespace-worker.ts', import.meta.url), {
    workerData: options,
    // Descriptors made there are used, and closed, by other threads.
    trackUnmanagedFds: false,
  })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let lastId = 0
  const started = new Promise<unknown>((resolve, reject) => waiting.set(0, { resolve, reject }))
  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  worker.on('message', (response: BrokerResponse) => {
    const request = waiting.get(response.id)
    waiting.delete(response.id)
    if (!request) return
    if ('failure' in response) request.reject(revive(response.failure))
    else request.resolve(response.result)
    if (waiting.size === 0) worker.unref()
  })
  worker.on('error', failAll)
  worker.on('exit', () => failAll(new Error('Cannot reach the namespace thread: it has ended')))
  const call = (operation: string, args: readonly unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++lastId
      waiting.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ id, operation, arguments: args })
    })
  await started
  const methods = Object.keys(operationNames).map((name) => [name, (...args: unknown[]) => call(name, args)])
  return Object.assign(Object.fromEntries(methods) as Remote<NamespaceOperations>, {
    [Symbol.asyncDispose]: async () => {
      await worker.terminate()
    },
  })
}

function revive(failure: BrokerFailure): Error {
  if (failure.name === 'LaunchError') return new LaunchError(failure.message)
  if (failure.errno === undefined) return new Error(failure.message)
  const error = new SystemCallError(failure.call ?? 'call the kernel', failure.errno)
  error.message = failure.message
  return error
}
