/** One HTTP request of a probe. */
import http from 'node:http'
import type net from 'node:net'
import tls from 'node:tls'
import type { HttpTarget, ProbeResult } from './probe-handler.ts'

export type Connect = (address: string, port: number, signal: AbortSignal) => Promise<net.Socket>

/** 2xx and 3xx are success. Certificates are not checked, as in Kubernetes. */
export async function probeHttp(target: HttpTarget, connect: Connect, signal: AbortSignal): Promise<ProbeResult> {
  const url = `${target.scheme.toLowerCase()}://${target.address}:${target.port}${target.path}`
  let socket: net.Socket
  try {
    socket = await connect(target.address, target.port, signal)
  } catch (error) {
    return { success: false, message: `Get "${url}": ${(error as Error).message}` }
  }
  // Without a listener a late reset would be an uncaught exception.
  socket.on('error', () => {})
  try {
    const stream = target.scheme === 'HTTPS' ? tls.connect({ socket, rejectUnauthorized: false }) : socket
    stream.on('error', () => {})
    const status = await requestStatus(target, stream, signal)
    const success = status >= 200 && status < 400
    return { success, message: success ? '' : `HTTP probe failed with statuscode: ${status}` }
  } catch (error) {
    return { success: false, message: `Get "${url}": ${(error as Error).message}` }
  } finally {
    socket.destroy()
  }
}

function requestStatus(target: HttpTarget, stream: net.Socket, signal: AbortSignal): Promise<number> {
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.36', Accept: '*/*', Connection: 'close' }
  for (const { name, value } of target.headers) headers[name] = value
  headers.Host ??= `${target.address}:${target.port}`
  return new Promise((resolve, reject) => {
    const request = http.request({ path: target.path, headers, createConnection: () => stream, signal })
    request.once('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.once('error', reject)
    request.end()
  })
}
