/** Nothing is created in a namespace that is missing or on its way out, and some namespaces stay. */
import type { Kind } from '#api/kind.ts'
import { Namespace } from '#api/namespace.ts'
import { forbidden, notFound } from '../api-errors.ts'
import type { ObjectStore } from '../objects/open-object-store.ts'
import type { Admission } from '../write/write.ts'

const immortal = new Set(['default', 'kube-system', 'kube-public'])

export function admitNamespace(objects: () => ObjectStore): Admission {
  return ({ kind, operation, name, namespace }) => {
    if (isNamespaces(kind) && operation === 'delete' && immortal.has(name)) {
      throw forbidden(kind, name, 'this namespace may not be deleted')
    }
    if (operation !== 'create' || !kind.namespaced || namespace === undefined) return
    const found = objects().get(Namespace as unknown as Kind, undefined, namespace)
    if (!found) throw notFound(Namespace, namespace)
    if (found.metadata.deletionTimestamp === undefined) return
    throw forbidden(
      kind,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    )
  }
}

/** Every namespace can be selected by its name. */
export const labelNamespace: Admission = ({ kind, operation, object }) => {
  if (!isNamespaces(kind) || operation === 'delete') return
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name }
}

const isNamespaces = (kind: Kind): boolean => kind.group === '' && kind.plural === 'namespaces'
