/** What a proxied request is for: `[scheme:]name[:port]` and the path behind it. */

export interface ProxyTarget {
  readonly scheme: 'http' | 'https'
  readonly name: string
  /** Number or name; empty when not given. */
  readonly port: string
}

/** @returns undefined for bad syntax */
export function parseProxyTarget(text: string): ProxyTarget | undefined {
  const parts = text.split(':')
  if (parts.length > 3) return undefined
  const [scheme, name, port] = parts.length === 3 ? parts : ['', parts[0], parts[1] ?? '']
  if (!name || (scheme !== '' && scheme !== 'http' && scheme !== 'https')) return undefined
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port ?? '' }
}

export interface ProxyPath {
  /** `/api/v1/namespaces/a/services/web/proxy`, without a slash at the end. */
  readonly prefix: string
  /** What the backend is asked for, still percent-encoded; empty when the request ends at `proxy`. */
  readonly rest: string
}

/** @param depth how many segments stand before `proxy` */
export function splitProxyPath(path: string, depth: number): ProxyPath {
  let at = 0
  for (let n = 0; n <= depth && at !== -1; n++) at = path.indexOf('/', at + 1)
  const end = at === -1 ? path.length : at
  return { prefix: path.slice(0, end), rest: path.slice(end) }
}

/** A redirect inside the backend's own site leads back through the proxy. */
export function rewriteLocation(location: string, prefix: string, host: string): string {
  if (location.startsWith('/') && !location.startsWith('//')) return prefix + location
  const match = /^https?:\/\/([^/?#]+)(.*)$/i.exec(location)
  return match && match[1] === host ? prefix + (match[2] || '/') : location
}

/** Links of a page that start at the root of the backend's site. */
export function rewriteLinks(html: string, prefix: string): string {
  const link = /(\s(?:href|src|action|longdesc|cite|background|data|formaction|poster|srcset)\s*=\s*)(["']?)\/(?!\/)/gi
  return html.replace(link, (_whole, attribute: string, quote: string) => `${attribute}${quote}${prefix}/`)
}
