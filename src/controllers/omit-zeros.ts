/** Status counters that are zero are left out of JSON, as Kubernetes does. Pure. */
export function omitZeros<T extends object>(status: T, keep: readonly (keyof T)[] = []): T {
  const kept = Object.entries(status).filter(
    ([key, value]) => value !== undefined && (value !== 0 || keep.includes(key as keyof T)),
  )
  return Object.fromEntries(kept) as T
}
