/** Equality of JSON values. The order of keys does not count; a key with the value undefined is absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameJson(item, b[index]))
    )
  }
  return sameFields(a as Record<string, unknown>, b as Record<string, unknown>)
}

function sameFields(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const count = (object: Record<string, unknown>) => {
    let fields = 0
    for (const key in object) if (object[key] !== undefined) fields++
    return fields
  }
  if (count(a) !== count(b)) return false
  for (const key in a) if (a[key] !== undefined && !(Object.hasOwn(b, key) && sameJson(a[key], b[key]))) return false
  return true
}
