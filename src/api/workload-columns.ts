/** Columns that kinds with a pod template share. */
import { joined, textColumn, wide } from './columns.ts'
import type { Column } from './kind.ts'
import type { LabelSelector } from './meta.ts'
import { formatLabelSelector } from './parse-selector.ts'
import type { PodTemplateSpec } from './pod-template.ts'

interface Workload {
  spec: { template: PodTemplateSpec; selector?: LabelSelector }
}

export function templateColumns<T extends Workload>(): Column<T>[] {
  const containers = (object: T) => object.spec.template.spec.containers ?? []
  return [
    textColumn('Containers', (object) => joined(containers(object).map((container) => container.name)), {
      ...wide,
      description: 'Names of the containers in the template.',
    }),
    textColumn('Images', (object) => joined(containers(object).map((container) => container.image ?? '')), {
      ...wide,
      description: 'Images in the template.',
    }),
  ]
}

export function selectorColumn<T extends Workload>(): Column<T> {
  const description = 'Label selector of the pods.'
  return textColumn('Selector', (object) => formatLabelSelector(object.spec.selector) || '<none>', {
    ...wide,
    description,
  })
}
