/** Names and labels by which a StatefulSet's pods stay the same. Pure. */
import type { ControllerRevision } from '#api/controller-revision.ts'
import type { Pod } from '#api/pod.ts'
import type { StatefulSet } from '#api/stateful-set.ts'
import type { Draft } from '#client/contract.ts'
import { templateOf } from '../controller-history.ts'
import { podFromTemplate } from '../pod-from-template.ts'

export const revisionLabel = 'controller-revision-hash'
const nameLabel = 'statefulset.kubernetes.io/pod-name'
const indexLabel = 'apps.kubernetes.io/pod-index'

/** The pod's number, or undefined when its name is not one of this set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : ''
  return /^(0|[1-9][0-9]*)$/.test(rest) ? Number(rest) : undefined
}

export function revisionOfPod(pod: Pod): string {
  return pod.metadata.labels?.[revisionLabel] ?? ''
}

export function podOfSet(set: StatefulSet, ordinal: number, revision: ControllerRevision): Draft<Pod> {
  const name = `${set.metadata.name}-${ordinal}`
  const template = templateOf(revision)
  const labels = { [revisionLabel]: revision.metadata.name, [nameLabel]: name, [indexLabel]: String(ordinal) }
  const draft = podFromTemplate(set, template, { name, labels })
  const { serviceName } = set.spec
  const volumes = withClaims(set, name, draft.spec.volumes)
  return {
    ...draft,
    spec: {
      ...draft.spec,
      hostname: name,
      ...(serviceName && { subdomain: serviceName }),
      ...(volumes && { volumes }),
    },
  }
}

/** Claims stand in for template volumes of the same name. */
function withClaims(set: StatefulSet, podName: string, volumes: Pod['spec']['volumes']) {
  const templates = set.spec.volumeClaimTemplates ?? []
  if (templates.length === 0) return volumes
  const claims = templates.map(({ metadata: { name } }) => ({
    name,
    persistentVolumeClaim: { claimName: `${name}-${podName}` },
  }))
  const others = (volumes ?? []).filter((volume) => !claims.some(({ name }) => name === volume.name))
  return [...claims, ...others]
}
