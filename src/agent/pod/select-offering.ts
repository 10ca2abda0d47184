/** Whether clients may be sent to a pod. */
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'

/** It is ready, and a Service of its namespace selects it: its address is in a slice, or on its way into one. */
export function isOffered({ metadata, status }: Pod, services: readonly Service[]): boolean {
  const isReady = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')
  return isReady === true && services.some((service) => selects(service, metadata.labels ?? {}))
}

function selects({ spec }: Service, labels: Readonly<Record<string, string>>): boolean {
  const pairs = Object.entries(spec.selector ?? {})
  return spec.type !== 'ExternalName' && pairs.length > 0 && pairs.every(([key, value]) => labels[key] === value)
}
