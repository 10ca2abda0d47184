/** A deep copy of a JSON value, for a small part of what `structuredClone` takes. */
export function copyJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item: unknown) => copyJson(item)) as T
  const copy: Record<string, unknown> = {}
  for (const key in value) {
    // Assigned, it would be the copy's prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { ...plainField, value: copyJson<unknown>(value[key]) })
    else copy[key] = copyJson<unknown>(value[key])
  }
  return copy as T
}

const plainField = { enumerable: true, writable: true, configurable: true }
