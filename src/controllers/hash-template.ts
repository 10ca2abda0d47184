/** Short stable names for pod templates: `pod-template-hash`, `controller-revision-hash`. Pure. */
import { canonicalJson } from './compare-values.ts'

/** No vowels and no digits that look like letters, so that no bad word and no number comes out. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** Ten characters at most, valid in names and labels. `collisions` gives another hash for the same value. */
export function shortHash(value: unknown, collisions = 0): string {
  const hash = fnv1a(collisions > 0 ? `${canonicalJson(value)}#${collisions}` : canonicalJson(value))
  return hash.toString(10).replaceAll(/\d/g, (digit) => alphabet.charAt(Number(digit)))
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
