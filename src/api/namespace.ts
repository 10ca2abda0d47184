import { dns1123LabelProblems } from './check-name.ts'
import { ageColumn, nameColumn, textColumn } from './columns.ts'
import { defineKind, type Finding, type ValidationContext } from './kind.ts'
import { kindSchema } from './meta-schema.ts'
import { array, field, object, oneOf, string, time, type Static } from './schema.ts'
import { validateObjectMeta } from './validate-object-meta.ts'

export const NamespaceSpec = object('io.k8s.api.core.v1.NamespaceSpec', {
  finalizers: field(1, array(string())),
})
export type NamespaceSpec = Static<typeof NamespaceSpec>

export const NamespaceCondition = object('io.k8s.api.core.v1.NamespaceCondition', {
  type: field(1, string(), { required: true }),
  status: field(2, oneOf('False', 'True', 'Unknown'), { required: true }),
  lastTransitionTime: field(4, time()),
  reason: field(5, string()),
  message: field(6, string()),
})
export type NamespaceCondition = Static<typeof NamespaceCondition>

export const NamespaceStatus = object('io.k8s.api.core.v1.NamespaceStatus', {
  phase: field(1, oneOf('Active', 'Terminating')),
  conditions: field(
    2,
    array(NamespaceCondition, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
})
export type NamespaceStatus = Static<typeof NamespaceStatus>

const namespaceSchema = kindSchema(
  'io.k8s.api.core.v1.Namespace',
  {
    spec: field(2, NamespaceSpec, { required: true, default: {} }),
    status: field(3, NamespaceStatus),
  },
  'A scope for names; deleting it deletes everything in it.',
)
export type Namespace = Static<typeof namespaceSchema>

export const Namespace = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  schema: namespaceSchema,
  namespaced: false,
  hasStatus: true,
  columns: [nameColumn(), textColumn('Status', (namespace) => namespace.status?.phase ?? ''), ageColumn()],
  selectableFields: { 'status.phase': (namespace) => namespace.status?.phase ?? '' },
  applyDefaults: labelWithName,
  prepare: prepareNamespace,
  validate: validateNamespace,
})

function labelWithName({ metadata }: Namespace): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name }
}

/** The finalizer `kubernetes` keeps the namespace until its content is gone; only `finalize` may remove it. */
function prepareNamespace(namespace: Namespace, before?: Namespace): void {
  if (before !== undefined) return
  namespace.status = { phase: 'Active' }
  const finalizers = namespace.spec.finalizers ?? []
  if (!finalizers.includes('kubernetes')) namespace.spec.finalizers = [...finalizers, 'kubernetes']
}

function validateNamespace({ metadata }: Namespace, { before }: ValidationContext<Namespace>): Finding[] {
  const rules = { namespaced: false, before: before?.metadata, nameRule: dns1123LabelProblems }
  return validateObjectMeta(metadata, rules)
}
