/** One call of grpc.health.v1.Health/Check. */
import http2 from 'node:http2'
import type { ProbeResult } from './probe-handler.ts'
import type { Connect } from './probe-http.ts'

const SERVING = 1

export async function probeGrpc(
  target: { readonly address: string; readonly port: number; readonly service: string },
  connect: Connect,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const socket = await connect(target.address, target.port, signal)
  socket.on('error', () => {})
  const session = http2.connect(`http://${target.address}:${target.port}`, { createConnection: () => socket })
  try {
    return await check(session, target.service, signal)
  } finally {
    session.destroy()
    socket.destroy()
  }
}

function check(session: http2.ClientHttp2Session, service: string, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    session.once('error', reject)
    const call = session.request(
      {
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        'user-agent': 'kube-probe/1.36',
        te: 'trailers',
      },
      { signal },
    )
    const chunks: Buffer[] = []
    let grpcStatus: string | undefined
    call.once('response', (headers) => (grpcStatus = text(headers['grpc-status'])))
    call.once('trailers', (trailers) => (grpcStatus = text(trailers['grpc-status']) ?? grpcStatus))
    call.on('data', (chunk: Buffer) => chunks.push(chunk))
    call.once('error', reject)
    call.once('close', () => resolve(verdict(grpcStatus ?? 'none', Buffer.concat(chunks))))
    call.end(encodeCheck(service))
  })
}

const text = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header)

/** A length-prefixed HealthCheckRequest { service = 1 }. */
function encodeCheck(service: string): Buffer {
  const name = Buffer.from(service)
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name])
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** HealthCheckResponse { status = 1 }: a varint field after the five bytes of length prefix. */
function verdict(grpcStatus: string, body: Buffer): ProbeResult {
  if (grpcStatus !== '0') return { success: false, message: `service unhealthy (grpc status ${grpcStatus})` }
  const serving = body[5] === 0x08 && body[6] === SERVING
  return { success: serving, message: serving ? '' : `service unhealthy (responded with status ${body[6] ?? 0})` }
}
