/** What a WebSocket client offers in `Sec-WebSocket-Protocol`: real subprotocols, and perhaps a bearer token. */

const tokenPrefix = 'base64url.bearer.authorization.k8s.io.'

export interface OfferedProtocols {
  /** Without the token. */
  readonly protocols: readonly string[]
  readonly token?: string
}

export function parseOfferedProtocols(header: string | undefined): OfferedProtocols {
  const offered = (header ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
  const protocols = offered.filter((text) => !text.startsWith(tokenPrefix))
  const encoded = offered.find((text) => text.startsWith(tokenPrefix))?.slice(tokenPrefix.length)
  if (encoded === undefined) return { protocols }
  const base64 = encoded.replaceAll('-', '+').replaceAll('_', '/')
  return { protocols, token: decodeText(base64) }
}

/** An unreadable token stays a token: a wrong one. */
function decodeText(base64: string): string {
  try {
    return atob(base64)
  } catch {
    return ''
  }
}

/** The first offered one that we speak, as the client's order is its preference. */
export function selectSubprotocol(offered: readonly string[], spoken: readonly string[]): string | undefined {
  return offered.find((protocol) => spoken.includes(protocol))
}
