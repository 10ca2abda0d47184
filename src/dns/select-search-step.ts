/**
 * How a resolver's search goes on after its first question, `NAME.NAMESPACE.svc.DOMAIN`, has met nothing: what it would
 * ask next, and where it would stop. Answering that at once, as an alias, saves it the questions between.
 *
 * The question may also have been meant as it stands, by somebody who knows the full name. So nothing is said for names
 * that could be of this namespace: `pod-0.web` where there is a Service `web`, or a single label. Nor beyond a name that
 * exists without addresses, since resolvers differ there (glibc goes on, musl stops).
 */
import type { RecordData } from './message.ts'
import type { SearchPath } from './search-path.ts'
import type { Basis, Zone } from './zone.ts'

export type SearchStep =
  /** The search ends at this name of the cluster. */
  | { readonly kind: 'inside'; readonly name: string; readonly bases: readonly Basis[] }
  /** No name of the cluster ends it; it goes on with these, in order. */
  | { readonly kind: 'outside'; readonly names: readonly string[]; readonly bases: readonly Basis[] }
  /** To be left to the resolver. */
  | { readonly kind: 'none'; readonly bases: readonly Basis[] }

/** `name` is lower case, and the zone does not know it. */
export function selectSearchStep(name: string, zone: Zone, path: SearchPath): SearchStep {
  const bases: Basis[] = []
  const none: SearchStep = { kind: 'none', bases }
  const [first = '', ...others] = path.domains
  if (!name.endsWith(`.${first}`) || first !== `${path.namespace}.svc.${zone.domain}`) return none
  const sought = name.slice(0, -first.length - 1)
  const dots = sought.split('.').length - 1
  if (dots === 0 || dots >= path.ndots || sought.includes('\\')) return none
  const last = sought.slice(sought.lastIndexOf('.') + 1)
  const own = zone.find(`${last}.${first}`)
  if (own.kind !== 'foreign' && own.basis) bases.push(own.basis)
  if (zone.hasService(path.namespace, last)) return none
  const outside: string[] = []
  // the domain `.` is the root
  const searched = others.map((domain) => (domain === '' ? sought : `${sought}.${domain}`))
  for (const candidate of new Set([...searched, sought])) {
    const node = zone.find(candidate)
    if (node.kind === 'foreign') {
      if (!isFullName(sought, zone)) outside.push(candidate)
      continue
    }
    if (!node.basis) return none
    bases.push(node.basis)
    if (node.kind === 'unknown') continue
    // a name outside comes before it, and would have to be asked for first
    if (outside.length > 0 || !node.records.some(isAddressOrAlias)) return none
    return { kind: 'inside', name: candidate, bases }
  }
  bases.push(zone.basisOfNamespace(last))
  if (outside.length === 0 || isNameOfCluster(last, zone)) return none
  return { kind: 'outside', names: outside, bases }
}

function isAddressOrAlias({ type }: RecordData): boolean {
  return type === 'A' || type === 'AAAA' || type === 'CNAME'
}

/** With one of the host's search domains behind it there is no such name. */
function isFullName(name: string, zone: Zone): boolean {
  return name === zone.domain || name.endsWith(`.${zone.domain}`)
}

/** `web.shop` is meant for namespace shop, also while there is no web in it. */
function isNameOfCluster(last: string, zone: Zone): boolean {
  return last === 'svc' || last === 'pod' || last === 'local' || zone.hasNamespace(last)
}
