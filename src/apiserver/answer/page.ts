import type { KubeObject, ListMeta } from '#api/meta.ts'

/** One page of a list, before it takes the form that the client asked for. */
export interface Page {
  readonly objects: readonly KubeObject[]
  readonly metadata: ListMeta
}

/** @param version of meta.k8s.io */
export function partialMetadata(object: KubeObject, version: string): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}
