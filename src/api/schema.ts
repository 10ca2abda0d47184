/**
 * The language in which kinds are declared. One declaration yields the TypeScript type (`Static`), protobuf decoding,
 * unknown-field checks, defaults, OpenAPI, and the list keys of strategic-merge patch and server-side apply.
 */

export interface Schema<T = unknown> {
  readonly type: SchemaType
  /** Only for inference; never present at run time. */
  readonly _static?: T
}

export type SchemaType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'intOrString'
  | 'quantity'
  | 'time'
  | 'microTime'
  | 'duration'
  | 'bytes'
  | 'raw'
  | 'fieldsV1'
  | 'array'
  | 'map'
  | 'object'

export interface StringSchema<T extends string = string> extends Schema<T> {
  readonly type: 'string'
  /** Shown in OpenAPI; enforcement is validation's work, so that messages are Kubernetes' own. */
  readonly enum?: readonly T[]
}

export interface IntegerSchema extends Schema<number> {
  readonly type: 'integer'
  readonly format: 'int32' | 'int64'
}

export interface ArraySchema<T = unknown> extends Schema<T[]> {
  readonly type: 'array'
  /** In protobuf the list is a message `{items=1}` of its own (Go's named slice types). */
  readonly wrapped?: boolean
  readonly items: Schema<T>
  readonly list: ListRules
}

export interface ListRules {
  /** Server-side apply; absent means atomic. */
  readonly listType?: 'atomic' | 'set' | 'map'
  readonly listMapKeys?: readonly string[]
  /** Strategic merge; absent means replace. */
  readonly patchStrategy?: 'merge' | 'retainKeys' | 'merge,retainKeys'
  readonly patchMergeKey?: string
}

export interface MapSchema<T = unknown> extends Schema<Record<string, T>> {
  readonly type: 'map'
  readonly values: Schema<T>
  readonly mapType?: 'atomic'
}

export interface ObjectSchema<T = unknown> extends Schema<T> {
  readonly type: 'object'
  /** OpenAPI definition name, for example `io.k8s.api.core.v1.ServicePort`. */
  readonly name: string
  readonly description?: string
  readonly fields: Readonly<Record<string, Field>>
  readonly mapType?: 'atomic'
}

export interface FieldOptions {
  /** A required plain field that is absent gets its zero (`''`, `0`, `{}`) with the defaults, as in Go. */
  readonly required?: boolean
  /**
   * How protobuf's written zero is read: Go encodes non-pointer scalars even when they are zero.
   * `drop` (default): zero means absent; `keep` (default of required fields): zero is a value (pointers, and plain
   * fields without omitempty).
   */
  readonly zero?: 'drop' | 'keep'
  /** In protobuf this field stands in the embedded message with this tag; in JSON it stands in the parent itself. */
  readonly via?: number
  /** Static default, applied when the field is absent and its parent exists. Never shared: it is cloned. */
  readonly default?: unknown
  readonly description?: string
  /** Strategic merge of an object-typed field. */
  readonly patchStrategy?: 'replace' | 'retainKeys'
}

export interface Field<T = unknown, Required extends boolean = boolean> extends Omit<FieldOptions, 'required'> {
  /** protobuf field number; 0 where protobuf does not carry the field */
  readonly tag: number
  readonly schema: Schema<T>
  readonly required: Required
}

export type Static<S> = S extends Schema<infer T> ? T : never

type Fields = Readonly<Record<string, Field>>
type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F]
type ValueOf<F> = F extends Field<infer T> ? T : never
type Flat<T> = { [K in keyof T]: T[K] }

/** The JSON shape of a set of fields: required ones present, the others optional. */
export type StaticFields<F extends Fields> = Flat<
  { [K in RequiredKeys<F>]: ValueOf<F[K]> } & { [K in Exclude<keyof F, RequiredKeys<F>>]?: ValueOf<F[K]> }
>

export const string = (): StringSchema => ({ type: 'string' })
export const oneOf = <const T extends string>(...values: readonly T[]): StringSchema<T> => ({
  type: 'string',
  enum: values,
})
export const int32 = (): IntegerSchema => ({ type: 'integer', format: 'int32' })
export const int64 = (): IntegerSchema => ({ type: 'integer', format: 'int64' })
export const boolean = (): Schema<boolean> => ({ type: 'boolean' })
export const intOrString = (): Schema<number | string> => ({ type: 'intOrString' })
export const quantity = (): Schema<string> => ({ type: 'quantity' })
/** RFC 3339 with seconds, or null-like absence. */
export const time = (): Schema<string> => ({ type: 'time' })
/** RFC 3339 with six fraction digits. */
export const microTime = (): Schema<string> => ({ type: 'microTime' })
/** base64 text in JSON. */
export const bytes = (): Schema<string> => ({ type: 'bytes' })
/** Any JSON value (RawExtension). */
export const raw = (): Schema<unknown> => ({ type: 'raw' })
export const fieldsV1 = (): Schema<unknown> => ({ type: 'fieldsV1' })

export const array = <T>(items: Schema<T>, list: ListRules = {}): ArraySchema<T> => ({ type: 'array', items, list })
/** A list that protobuf carries as a message `{items=1}`. */
export const wrappedArray = <T>(items: Schema<T>): ArraySchema<T> => ({ ...array(items), wrapped: true })
export const map = <T>(values: Schema<T>, mapType?: 'atomic'): MapSchema<T> => ({
  type: 'map',
  values,
  ...(mapType && { mapType }),
})

export function object<const F extends Fields>(
  name: string,
  fields: F,
  options: { description?: string; mapType?: 'atomic' } = {},
): ObjectSchema<StaticFields<F>> & { readonly fields: F } {
  return { type: 'object', name, fields, ...options }
}

export function field<T>(tag: number, schema: Schema<T>, options: FieldOptions & { required: true }): Field<T, true>
export function field<T>(tag: number, schema: Schema<T>, options?: FieldOptions & { required?: false }): Field<T, false>
export function field<T>(tag: number, schema: Schema<T>, options: FieldOptions = {}): Field<T> {
  const { required = false, ...rest } = options
  return { tag, schema, required, ...rest }
}

/** A field that is a pointer in Go: its zero is a value, and an empty message is not absence. */
export function pointer<T>(tag: number, schema: Schema<T>, options: FieldOptions & { required: true }): Field<T, true>
export function pointer<T>(
  tag: number,
  schema: Schema<T>,
  options?: FieldOptions & { required?: false },
): Field<T, false>
export function pointer<T>(tag: number, schema: Schema<T>, options: FieldOptions = {}): Field<T> {
  const { required = false, ...rest } = options
  return { tag, schema, zero: 'keep', ...rest, required }
}

/** The fields of a struct that Go embeds: part of the parent in JSON, a message of its own (`tag`) in protobuf. */
export function embedded<const F extends Fields>(tag: number, schema: ObjectSchema & { readonly fields: F }): F {
  const entries = Object.entries(schema.fields).map(([name, inner]) => [name, { ...inner, via: tag }])
  return Object.fromEntries(entries) as F
}
