import { createHash } from 'node:crypto'
import type { ApiRequest, ApiResponse } from '#api/wire.ts'

/** With an ETag; 304 without a body when the client has it already. */
export function taggedAnswer(request: ApiRequest, bytes: Uint8Array, headers: Record<string, string>): ApiResponse {
  const etag = `"${hashOf(bytes)}"`
  if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag, ...headers } }
  return { status: 200, headers: { etag, ...headers }, body: { type: 'bytes', value: bytes } }
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').toUpperCase()
}
