/** `WWW-Authenticate` of a registry (RFC 9110 §11.6.1, distribution token spec). */
export interface Challenge {
  readonly scheme: 'bearer' | 'basic'
  readonly parameters: Readonly<Record<string, string>>
}

const parameter = /([a-zA-Z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g

/** The first challenge that this client can answer; bearer is preferred. */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null) return undefined
  const schemes = [...header.matchAll(/(?:^|,)\s*(Bearer|Basic)(?=\s|$)/gi)]
  const challenges = schemes.map((match, index) => {
    const text = header.slice(match.index + match[0].length, schemes[index + 1]?.index)
    const scheme = match[1]?.toLowerCase() === 'bearer' ? ('bearer' as const) : ('basic' as const)
    return { scheme, parameters: parseParameters(text) }
  })
  return challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges[0]
}

function parseParameters(text: string): Record<string, string> {
  const pairs = [...text.matchAll(parameter)].map(([, name = '', quoted, plain]) => {
    return [name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''] as const
  })
  return Object.fromEntries(pairs)
}

/** Where to ask for a token; undefined if the registry names no usable realm. */
export function tokenUrl(challenge: Challenge, scope: string): URL | undefined {
  const realm = challenge.parameters.realm
  if (!realm || !URL.canParse(realm)) return undefined
  const url = new URL(realm)
  const service = challenge.parameters.service
  if (service !== undefined) url.searchParams.set('service', service)
  url.searchParams.set('scope', challenge.parameters.scope ?? scope)
  return url
}
