/** What holds a node port: one stored object per number. Not part of the API: servers of one store meet here alone. */
import { defineKind, type Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { kindSchema } from '#api/meta-schema.ts'
import { field, object, string, type Static } from '#api/schema.ts'

const NodePortLockSpec = object('dev.frontdesk.NodePortLockSpec', {
  namespace: field(1, string(), { required: true }),
  name: field(2, string(), { required: true }),
  /** Of the Service: one that comes later under the same name is somebody else. */
  uid: field(3, string(), { required: true }),
})

const schema = kindSchema(
  'dev.frontdesk.NodePortLock',
  { spec: field(2, NodePortLockSpec, { required: true }) },
  'Holds one node port for the Service that uses it.',
)
export type NodePortLock = Static<typeof schema>
export type PortOwner = NodePortLock['spec']

/** As a kind of any object, which is what the store takes. */
export const NodePortLock = defineKind<NodePortLock>({
  group: 'frontdesk.dev',
  version: 'v1',
  kind: 'NodePortLock',
  plural: 'nodeports',
  namespaced: false,
  schema,
  columns: [],
  validate: () => [],
}) as unknown as Kind

export function renderNodePortLock(port: number, owner: PortOwner): NodePortLock {
  return { apiVersion: 'frontdesk.dev/v1', kind: 'NodePortLock', metadata: { name: String(port) }, spec: owner }
}

export function portOwnerOf({ metadata: { namespace = '', name, uid = '' } }: KubeObject): PortOwner {
  return { namespace, name, uid }
}

export function isSameOwner(a: PortOwner, b: PortOwner): boolean {
  return a.uid === b.uid && a.namespace === b.namespace && a.name === b.name
}
