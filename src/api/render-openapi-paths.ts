/** `paths` of an OpenAPI document: what kubectl reads to learn how a kind may be patched and validated. */
import { apiVersionOf, type Kind } from './kind.ts'
import { DeleteOptions } from './meta-schema.ts'
import { listName, type Json, type SchemaCollection } from './render-openapi-schema.ts'
import { Scale } from './scale.ts'

type Action = 'list' | 'get' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection'

export function renderPaths(kind: Kind, schemas: SchemaCollection): Json {
  const operations = new Operations(kind, schemas)
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${apiVersionOf(kind)}`
  const collection = `${root}/${kind.namespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}`
  const item = `${collection}/{name}`
  const scope = kind.namespaced ? [pathParameter('namespace')] : []
  const named = { parameters: [...scope, pathParameter('name')] }
  return {
    [collection]: {
      parameters: scope,
      get: operations.list(),
      post: operations.write('post'),
      delete: operations.remove('deletecollection'),
    },
    [item]: {
      ...named,
      get: operations.read(),
      put: operations.write('put'),
      patch: operations.patch(),
      delete: operations.remove('delete'),
    },
    ...(kind.hasStatus && { [`${item}/status`]: { ...named, ...operations.subresource() } }),
    ...(kind.scale && { [`${item}/scale`]: { ...named, ...new ScaleOperations(kind, schemas).subresource() } }),
    ...(kind.namespaced && { [`${root}/${kind.plural}`]: { get: operations.list() } }),
  }
}

const jsonType = 'application/json'

/** Content types of a patch; the presence of the strategic one tells kubectl that the kind is built in. */
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
]

class Operations {
  protected readonly kind: Kind
  protected readonly schemas: SchemaCollection
  constructor(kind: Kind, schemas: SchemaCollection) {
    this.kind = kind
    this.schemas = schemas
  }

  list(): Json {
    const parameters = ['labelSelector', 'fieldSelector', 'resourceVersion', 'continue'].map(textParameter)
    const options = [...parameters, numberParameter('limit'), booleanParameter('watch')]
    return this.operation('list', { $ref: `#/components/schemas/${listName(this.kind)}` }, { parameters: options })
  }

  read(): Json {
    return this.operation('get', this.body())
  }

  write(action: 'post' | 'put'): Json {
    const requestBody = { content: { [jsonType]: { schema: this.body() } }, required: true }
    return this.operation(action, this.body(), { parameters: writeParameters, requestBody })
  }

  patch(): Json {
    const content = Object.fromEntries(patchTypes.map((type) => [type, { schema: { type: 'object' } }]))
    const parameters = [...writeParameters, booleanParameter('force')]
    return this.operation('patch', this.body(), { parameters, requestBody: { content, required: true } })
  }

  remove(action: 'delete' | 'deletecollection'): Json {
    const requestBody = { content: { [jsonType]: { schema: this.schemas.refTo(DeleteOptions) } } }
    const parameters = [
      textParameter('dryRun'),
      numberParameter('gracePeriodSeconds'),
      textParameter('propagationPolicy'),
    ]
    return this.operation(action, { type: 'object' }, { parameters, requestBody })
  }

  subresource(): Json {
    return { get: this.read(), put: this.write('put'), patch: this.patch() }
  }

  protected body(): Json {
    return this.schemas.refTo(this.kind.schema)
  }

  protected groupVersionKind(): Json {
    return { group: this.kind.group, kind: this.kind.kind, version: this.kind.version }
  }

  protected operation(action: Action, answer: Json, rest: Json = {}): Json {
    return {
      ...rest,
      responses: { '200': { description: 'OK', content: { [jsonType]: { schema: answer } } } },
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': this.groupVersionKind(),
    }
  }
}

class ScaleOperations extends Operations {
  protected override body(): Json {
    return this.schemas.refTo(Scale)
  }
  protected override groupVersionKind(): Json {
    return { group: 'autoscaling', kind: 'Scale', version: 'v1' }
  }
}

function parameter(name: string, location: 'path' | 'query', schema: Json): Json {
  return { name, in: location, ...(location === 'path' && { required: true }), schema }
}

const pathParameter = (name: string) => parameter(name, 'path', { type: 'string' })
const textParameter = (name: string) => parameter(name, 'query', { type: 'string' })
const numberParameter = (name: string) => parameter(name, 'query', { type: 'integer' })
const booleanParameter = (name: string) => parameter(name, 'query', { type: 'boolean' })

const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'].map(textParameter)
