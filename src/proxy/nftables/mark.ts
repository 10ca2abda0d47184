/**
 * The packet mark while a new connection walks through the table: which list of endpoints, and how it came in. A front
 * end's element holds such a mark.
 */

/** Bits 0 to 18: number of the service port. */
export const maxServicePorts = 1 << 19
/** Take the node's own endpoints (list L) instead of all (list C). Part of the list's number. */
export const localList = 1 << 19
export const listMask = (1 << 20) - 1
/**
 * Bits 20 to 24: how many endpoints the list has, where that is enough to know how to spread connections over it: they are
 * few, and there is no affinity. Else 0, and map `lists` tells.
 */
export const maxShortLength = 31
export const shortLength = (endpoints: number): number => endpoints << 20
export const lengthMask = shortLength(maxShortLength)
/** The front end has source ranges: see set `allowed-sources`. */
export const restricted = 1 << 25
/** There is nobody to answer: only the source ranges matter here; refusals follow. */
export const unserved = 1 << 26
/** Came to a ClusterIP: masquerade unless it came from a pod of this node. */
export const fromOutsideMasqueraded = 1 << 27
/** Came to an external front end with policy Local. */
export const externalLocal = 1 << 28
/** Replies must come back through this node. */
export const masqueraded = 1 << 30
