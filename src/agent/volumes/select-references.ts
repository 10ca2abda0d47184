/** Names of the ConfigMaps or Secrets that a pod's volumes show. */
import type { Pod } from '#api/pod.ts'

export function selectReferences(pod: Pod, kind: 'ConfigMap' | 'Secret'): ReadonlySet<string> {
  const names = (pod.spec.volumes ?? []).flatMap((volume) => {
    const own = kind === 'ConfigMap' ? volume.configMap?.name : volume.secret?.secretName
    const projected = (volume.projected?.sources ?? []).map((source) =>
      kind === 'ConfigMap' ? source.configMap?.name : source.secret?.name,
    )
    return [own, ...projected]
  })
  return new Set(names.filter((name) => name !== undefined))
}
