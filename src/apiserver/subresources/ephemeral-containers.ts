/** `pods/NAME/ephemeralcontainers`: adds containers to a running Pod, as `kubectl debug` does. */
import type { KubeObject } from '#api/meta.ts'
import type { Pod } from '#api/pod.ts'
import { invalid } from '../api-errors.ts'
import { sameJson } from '../write/same-json.ts'

/** The current Pod with the proposed list; what is there already must stay as it is. */
export function scopeEphemeralContainers(proposed: KubeObject, current: KubeObject): KubeObject {
  const wanted = (proposed as Pod).spec.ephemeralContainers ?? []
  for (const existing of (current as Pod).spec.ephemeralContainers ?? []) {
    const same = wanted.find(({ name }) => name === existing.name)
    const what = same ? 'changed' : 'removed'
    if (same && sameJson(same, existing)) continue
    const message = `Forbidden: existing ephemeral containers "${existing.name}" may not be ${what}\n`
    throw invalid({ group: '', kind: 'Pod' }, current.metadata.name, [
      { field: 'spec.ephemeralContainers', reason: 'FieldValueForbidden', message: message.trimEnd() },
    ])
  }
  const pod = structuredClone(current) as Pod
  pod.spec.ephemeralContainers = wanted
  return pod
}
