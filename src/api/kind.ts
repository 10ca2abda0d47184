/** A kind of the API as one value: what every room needs to know to store, serve, show or ask for it. */
import type { KubeObject } from './meta.ts'
import type { ObjectSchema } from './schema.ts'

/** What is wrong with an object, as data. Messages are Kubernetes' own words; all findings are reported at once. */
export interface Finding {
  /** Kubernetes field path: `spec.ports[0].port`. */
  readonly field: string
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotFound'
    | 'InternalError'
  /** The whole cause message, for example `Invalid value: 0: must be between 1 and 65535, inclusive`. */
  readonly message: string
}

export interface Column<T> {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  readonly format?: string
  readonly description?: string
  /** 1: only shown by `-o wide`. */
  readonly priority?: 0 | 1
  /** `nowMs` is Unix time in milliseconds, for ages. */
  readonly cell: (object: T, nowMs: number) => string | number | boolean
}

export interface ValidationContext<T> {
  /** The stored object for an update; absent for a create. */
  readonly before?: T
  /** Set when only a subresource is written. */
  readonly subresource?: string
}

/** Reads and writes `spec.replicas`, for kinds with a scale subresource. */
export interface ScaleRules<T> {
  readonly replicas: (object: T) => number
  readonly statusReplicas: (object: T) => number
  /** Label selector in string form. */
  readonly selector: (object: T) => string
}

export interface Kind<T extends KubeObject = KubeObject> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  /** Older versions that have the same fields and are served, too. */
  readonly olderVersions: readonly string[]
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly schema: ObjectSchema<T>
  readonly hasStatus: boolean
  readonly scale?: ScaleRules<T>
  /** Whether metadata.generation counts changes of the spec. */
  readonly hasGeneration: boolean
  readonly createOnUpdate: boolean
  readonly unconditionalUpdate: boolean
  /** Whether DELETE answers with the object instead of a Status. */
  readonly deleteReturnsObject: boolean
  /** Field selector keys beyond metadata.name and metadata.namespace, each with how to read it. */
  readonly selectableFields: Readonly<Record<string, (object: T) => string>>
  readonly columns: readonly Column<T>[]
  /** Defaults that depend on other fields; static ones come from the schema. Changes its argument. */
  readonly applyDefaults?: (object: T, before?: T) => void
  /**
   * What the registry does before storing, beyond defaults: clears and keeps fields by type transition and so on.
   * Changes `object`; pure otherwise.
   */
  readonly prepare?: (object: T, before?: T) => void
  readonly validate: (object: T, context: ValidationContext<T>) => Finding[]
  /** Text of a `Warning` header on every answer about this kind. */
  readonly deprecated?: string
  /** Texts for `Warning` headers. */
  readonly warnings?: (object: T, before?: T) => string[]
}

export function apiVersionOf(kind: Pick<Kind, 'group' | 'version'>): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
}

/** `pods` or `deployments.apps`, as messages name a resource. */
export function resourceName(kind: Pick<Kind, 'group' | 'plural'>): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`
}

export interface KindDeclaration<T extends KubeObject> {
  group: string
  version: string
  kind: string
  plural: string
  olderVersions?: readonly string[]
  shortNames?: readonly string[]
  categories?: readonly string[]
  namespaced?: boolean
  schema: ObjectSchema<T>
  hasStatus?: boolean
  scale?: ScaleRules<T>
  hasGeneration?: boolean
  createOnUpdate?: boolean
  unconditionalUpdate?: boolean
  deleteReturnsObject?: boolean
  selectableFields?: Readonly<Record<string, (object: T) => string>>
  columns: readonly Column<T>[]
  applyDefaults?: (object: T, before?: T) => void
  prepare?: (object: T, before?: T) => void
  validate: (object: T, context: ValidationContext<T>) => Finding[]
  deprecated?: string
  warnings?: (object: T, before?: T) => string[]
}

export function defineKind<T extends KubeObject>(declaration: KindDeclaration<T>): Kind<T> {
  return {
    singular: declaration.kind.toLowerCase(),
    olderVersions: [],
    shortNames: [],
    categories: [],
    namespaced: true,
    hasStatus: false,
    hasGeneration: false,
    createOnUpdate: false,
    unconditionalUpdate: true,
    deleteReturnsObject: false,
    selectableFields: {},
    ...declaration,
  }
}
