/** Timestamps as the API writes them: UTC, whole seconds. Pure. */
export function rfc3339(unixMs: number): string {
  return new Date(unixMs).toISOString().replace(/\.\d+Z$/, 'Z')
}
