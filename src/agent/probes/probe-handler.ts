/** Executes what a probe or a lifecycle hook asks for, once. */
import type { HTTPGetAction, LifecycleHandler, Probe } from '#api/probe.ts'
import type net from 'node:net'
import { probeGrpc } from './probe-grpc.ts'
import { probeHttp } from './probe-http.ts'

export interface ProbeTarget {
  readonly podIp: string
  readonly ports: readonly { readonly name?: string; readonly containerPort: number }[]
  /** From the node's network. */
  readonly connect: (address: string, port: number, signal: AbortSignal) => Promise<net.Socket>
  readonly exec: (
    command: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly exitCode: number; readonly output: string }>
}

export interface ProbeResult {
  readonly success: boolean
  /** Why it failed. */
  readonly message: string
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>

export async function probeOnce(handler: Handler, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  try {
    return await run(handler, target, signal)
  } catch (error) {
    return { success: false, message: (error as Error).message }
  }
}

async function run(handler: Handler, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  if (handler.exec) {
    const { exitCode, output } = await target.exec(handler.exec.command ?? [], signal)
    return { success: exitCode === 0, message: output }
  }
  if (handler.httpGet) return probeHttp(resolveHttp(handler.httpGet, target), target.connect, signal)
  if (handler.tcpSocket) {
    const socket = await target.connect(
      handler.tcpSocket.host || target.podIp,
      portNumber(handler.tcpSocket.port, target),
      signal,
    )
    socket.destroy()
    return { success: true, message: '' }
  }
  if (handler.grpc) {
    const { port, service = '' } = handler.grpc
    return probeGrpc({ address: target.podIp, port, service }, target.connect, signal)
  }
  return { success: true, message: '' }
}

export interface HttpTarget {
  readonly scheme: 'HTTP' | 'HTTPS'
  readonly address: string
  readonly port: number
  readonly path: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}

function resolveHttp(action: HTTPGetAction, target: ProbeTarget): HttpTarget {
  const path = action.path ?? '/'
  return {
    scheme: action.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP',
    address: action.host || target.podIp,
    port: portNumber(action.port, target),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: action.httpHeaders ?? [],
  }
}

function portNumber(port: number | string, target: ProbeTarget): number {
  if (typeof port === 'number') return port
  const named = target.ports.find(({ name }) => name === port)
  const number = named?.containerPort ?? Number(port)
  if (!Number.isInteger(number)) throw new Error(`unable to find named port: ${port}`)
  return number
}
