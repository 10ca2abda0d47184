import type { Toleration } from './affinity.ts'
import { forbiddenValue, sameValue } from './findings.ts'
import type { Finding, ValidationContext } from './kind.ts'
import type { Pod } from './pod.ts'
import type { PodSpec } from './pod-spec.ts'
import { validateObjectMeta } from './validate-object-meta.ts'
import { validatePodSpec } from './validate-pod-spec.ts'

export function validatePod(pod: Pod, { before, subresource }: ValidationContext<Pod>): Finding[] {
  const metadata = validateObjectMeta(pod.metadata, { namespaced: true, before: before?.metadata })
  // Subresources change what an update may not, each by its own rules.
  if (subresource !== undefined) return metadata
  const spec = validatePodSpec('spec', pod.spec)
  return before === undefined
    ? [...metadata, ...spec]
    : [...metadata, ...spec, ...validateUpdate(pod.spec, before.spec)]
}

const whatMayChange = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

function validateUpdate(spec: PodSpec, before: PodSpec): Finding[] {
  const findings: Finding[] = []
  if (!keepsAll(spec.tolerations, before.tolerations)) {
    const detail = 'existing toleration can not be modified except its tolerationSeconds'
    findings.push(forbiddenValue('spec.tolerations', detail))
  }
  if (!sameValue(withoutMutable(spec, before), withoutMutable(before, before))) {
    findings.push(forbiddenValue('spec', `pod updates may not change fields other than ${whatMayChange}`))
  }
  return findings
}

/** Every old toleration is still there, its seconds aside. */
function keepsAll(now: PodSpec['tolerations'] = [], then: PodSpec['tolerations'] = []): boolean {
  const withoutSeconds = (toleration: Toleration) => ({ ...toleration, tolerationSeconds: undefined })
  return then.every((old) => now.some((toleration) => sameValue(withoutSeconds(toleration), withoutSeconds(old))))
}

/** The spec with everything that an update may change taken from `before`. */
function withoutMutable(spec: PodSpec, before: PodSpec): unknown {
  const withoutImages = (containers: PodSpec['containers'] = []) =>
    containers.map((container) => ({ ...container, image: undefined }))
  const { schedulingGates = [], ...rest } = spec
  const oldGates = (before.schedulingGates ?? []).map((gate) => gate.name)
  return {
    ...rest,
    tolerations: undefined,
    activeDeadlineSeconds: undefined,
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
    addedGates: schedulingGates.filter((gate) => !oldGates.includes(gate.name)),
    // A gated pod may still be told where it may go.
    ...(oldGates.length > 0 && { nodeSelector: undefined, affinity: undefined }),
  }
}
