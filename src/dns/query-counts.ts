/** What was answered, counted; plain numbers, since they are raised for every query. */
export interface QueryCounts {
  noerror: number
  nxdomain: number
  servfail: number
  other: number
  /** Of these: asked of another server, or of what that one answered before. */
  forwarded: number
  /** Of these: a search ended at its first question. */
  searched: number
}

export const newCounts = (): QueryCounts => ({
  noerror: 0,
  nxdomain: 0,
  servfail: 0,
  other: 0,
  forwarded: 0,
  searched: 0,
})

export function countRcode(counts: QueryCounts, rcode: number): void {
  if (rcode === 0) counts.noerror++
  else if (rcode === 3) counts.nxdomain++
  else if (rcode === 2) counts.servfail++
  else counts.other++
}
