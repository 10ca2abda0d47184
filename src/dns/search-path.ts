/** How a pod's resolver looks names up, as its resolv.conf says. */
export interface SearchPath {
  readonly namespace: string
  /** In order; the first is the pod's own namespace. */
  readonly domains: readonly string[]
  /** A name with at least this many dots is asked for as it is before it is searched for. */
  readonly ndots: number
}
