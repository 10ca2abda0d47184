/** The pod that a workload's template asks for. Pure. */
import type { KubeObject } from '#api/meta.ts'
import type { Pod } from '#api/pod.ts'
import type { Draft } from '#client/contract.ts'
import { controllerReference } from './controller-ref.ts'

export interface Template {
  readonly metadata?: Partial<Pod['metadata']>
  readonly spec?: Pod['spec']
}

export interface PodNaming {
  readonly name?: string
  readonly generateName?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export function podFromTemplate(owner: KubeObject, template: Template, naming: PodNaming): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  const { namespace } = owner.metadata
  const allAnnotations = { ...annotations, ...naming.annotations }
  return {
    metadata: {
      name: naming.name ?? '',
      ...(naming.generateName && { generateName: naming.generateName }),
      ...(namespace !== undefined && { namespace }),
      labels: { ...labels, ...naming.labels },
      ...(Object.keys(allAnnotations).length > 0 && { annotations: allAnnotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec ?? { containers: [] },
  }
}
