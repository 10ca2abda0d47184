/** `components.schemas` of an OpenAPI document, collected while they are referred to. */
import type { Kind } from './kind.ts'
import { ListMeta } from './meta-schema.ts'
import type { ArraySchema, Field, IntegerSchema, MapSchema, ObjectSchema, Schema, StringSchema } from './schema.ts'

export type Json = Record<string, unknown>

const scalars = {
  quantity: {
    name: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
    schema: { description: 'An amount, such as 100m, 2 or 1.5Gi.', oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
  intOrString: {
    name: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    schema: {
      description: 'A number, or text such as a port name or a percentage.',
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    },
  },
  time: {
    name: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
    schema: { description: 'A time in RFC 3339, to the second.', type: 'string', format: 'date-time' },
  },
  microTime: {
    name: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
    schema: { description: 'A time in RFC 3339, to the microsecond.', type: 'string', format: 'date-time' },
  },
  raw: {
    name: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
    schema: { description: 'Any JSON value.', type: 'object' },
  },
  fieldsV1: {
    name: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
    schema: { description: 'A set of fields of an object.', type: 'object' },
  },
} as const

/** Collects by reference: whoever asks for a `$ref` also puts the schema into the document. */
export class SchemaCollection {
  readonly #schemas = new Map<string, Json>()

  all(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  addKind(kind: Kind): void {
    this.refTo(kind.schema)
    const schema = this.#schemas.get(kind.schema.name)
    const gvk = [{ group: kind.group, kind: kind.kind, version: kind.version }]
    if (schema) schema['x-kubernetes-group-version-kind'] = gvk
    this.#schemas.set(listName(kind), {
      description: `A list of ${kind.kind} objects.`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        items: { type: 'array', items: this.refTo(kind.schema) },
        kind: { type: 'string' },
        metadata: this.refTo(ListMeta),
      },
      'x-kubernetes-group-version-kind': [{ group: kind.group, kind: `${kind.kind}List`, version: kind.version }],
    })
  }

  refTo(schema: ObjectSchema): Json {
    if (!this.#schemas.has(schema.name)) {
      this.#schemas.set(schema.name, {})
      this.#schemas.set(schema.name, this.#renderObject(schema))
    }
    return { $ref: `#/components/schemas/${schema.name}` }
  }

  #renderObject(schema: ObjectSchema): Json {
    const required = Object.entries(schema.fields)
      .filter(([, field]) => field.required && field.default === undefined)
      .map(([name]) => name)
    const properties = Object.entries(schema.fields).map(([name, field]) => [name, this.#renderField(field)])
    return {
      ...(schema.description !== undefined && { description: schema.description }),
      type: 'object',
      ...(required.length > 0 && { required }),
      properties: Object.fromEntries(properties) as Json,
      ...(schema.mapType && { 'x-kubernetes-map-type': schema.mapType }),
    }
  }

  #renderField(field: Field): Json {
    const schema = this.#render(field.schema)
    const extras: Json = {
      ...(field.description !== undefined && { description: field.description }),
      ...(field.default !== undefined && { default: field.default }),
      ...(field.patchStrategy && { 'x-kubernetes-patch-strategy': field.patchStrategy }),
    }
    // Nothing may stand beside a $ref.
    const hasExtras = Object.keys(extras).length > 0
    return '$ref' in schema && hasExtras ? { ...extras, allOf: [schema] } : { ...extras, ...schema }
  }

  #render(schema: Schema): Json {
    switch (schema.type) {
      case 'object':
        return this.refTo(schema as ObjectSchema)
      case 'array':
        return this.#renderArray(schema as ArraySchema)
      case 'map': {
        const { values, mapType } = schema as MapSchema
        const additionalProperties = this.#render(values)
        return { type: 'object', additionalProperties, ...(mapType && { 'x-kubernetes-map-type': mapType }) }
      }
      case 'string': {
        const { enum: values } = schema as StringSchema
        return { type: 'string', ...(values && { enum: values.toSorted() }) }
      }
      case 'integer':
        return { type: 'integer', format: (schema as IntegerSchema).format }
      case 'number':
        return { type: 'number', format: 'double' }
      case 'boolean':
        return { type: 'boolean' }
      case 'bytes':
        return { type: 'string', format: 'byte' }
      case 'duration':
        return { type: 'string' }
      default:
        return this.#refToScalar(schema.type)
    }
  }

  #renderArray({ items, list }: ArraySchema): Json {
    return {
      type: 'array',
      items: this.#render(items),
      'x-kubernetes-list-type': list.listType ?? 'atomic',
      ...(list.listMapKeys && { 'x-kubernetes-list-map-keys': list.listMapKeys }),
      ...(list.patchStrategy && { 'x-kubernetes-patch-strategy': list.patchStrategy }),
      ...(list.patchMergeKey && { 'x-kubernetes-patch-merge-key': list.patchMergeKey }),
    }
  }

  #refToScalar(type: keyof typeof scalars): Json {
    const { name, schema } = scalars[type]
    this.#schemas.set(name, schema)
    return { $ref: `#/components/schemas/${name}` }
  }
}

export function listName(kind: Kind): string {
  return `${kind.schema.name}List`
}
