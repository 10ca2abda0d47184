/** Every pod stays five minutes on a node that is not ready or not reachable, unless it says otherwise. */
import type { Pod } from '#api/pod.ts'
import type { Admission } from '../write/write.ts'

const staySeconds = 300
const taints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

export const admitTolerations: Admission = ({ kind, operation, subresource, object }) => {
  if (kind.plural !== 'pods' || kind.group !== '' || operation !== 'create' || subresource !== undefined) return
  const { spec } = object as unknown as Pod
  const tolerated = (taint: string): boolean =>
    (spec.tolerations ?? []).some(
      ({ key, effect }) => (key === undefined || key === '' || key === taint) && (!effect || effect === 'NoExecute'),
    )
  const missing = taints.filter((taint) => !tolerated(taint))
  if (missing.length === 0) return
  const added = missing.map(
    (key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: staySeconds }) as const,
  )
  spec.tolerations = [...(spec.tolerations ?? []), ...added]
}
