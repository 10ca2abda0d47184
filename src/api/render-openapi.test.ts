import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from './registry.ts'
import { openApiPathOf, openApiV2, renderOpenApiIndex, renderOpenApiV3 } from './render-openapi.ts'

type Json = { readonly [key: string]: Json }

const core = renderOpenApiV3(kinds, { group: '', version: 'v1' }) as unknown as Json
const apps = renderOpenApiV3(kinds, { group: 'apps', version: 'v1' }) as unknown as Json

const at = (json: Json, ...path: string[]): unknown => path.reduce<Json | undefined>((inner, key) => inner?.[key], json)
const coreSchema = (name: string) => at(core, 'components', 'schemas', `io.k8s.api.core.v1.${name}`) as Json

const cases: readonly { name: string; found: unknown; expected: unknown }[] = [
  {
    name: 'a kind carries its group, version and kind as a list',
    found: coreSchema('Service')['x-kubernetes-group-version-kind'],
    expected: [{ group: '', kind: 'Service', version: 'v1' }],
  },
  {
    name: 'Service ports merge by port, and are keyed by port and protocol',
    found: at(coreSchema('ServiceSpec'), 'properties', 'ports'),
    expected: {
      description: 'The ports of the Service.',
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.ServicePort' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'port',
    },
  },
  {
    name: 'what has a default is not required',
    found: coreSchema('Pod')['required'],
    expected: undefined,
  },
  { name: 'what has none is', found: coreSchema('ContainerPort')['required'], expected: ['containerPort'] },
  {
    name: 'a Deployment strategy retains keys',
    found: at(apps, 'components', 'schemas', 'io.k8s.api.apps.v1.DeploymentSpec', 'properties', 'strategy'),
    expected: {
      description: 'How old pods are replaced by new ones.',
      default: {},
      'x-kubernetes-patch-strategy': 'retainKeys',
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy' }],
    },
  },
  {
    name: 'a selector is one value',
    found: at(coreSchema('ServiceSpec'), 'properties', 'selector', 'x-kubernetes-map-type'),
    expected: 'atomic',
  },
  {
    name: 'patches name their kind',
    found: at(
      apps,
      'paths',
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}',
      'patch',
      'x-kubernetes-group-version-kind',
    ),
    expected: { group: 'apps', kind: 'Deployment', version: 'v1' },
  },
]

for (const { name, found, expected } of cases) test(name, () => assert.deepEqual(found, expected))

test('every patch of every kind takes fieldValidation and strategic merge', () => {
  for (const kind of kinds) {
    const document = renderOpenApiV3(kinds, kind) as unknown as Json
    const scope = kind.namespaced ? 'namespaces/{namespace}/' : ''
    const path = `/${openApiPathOf(kind)}/${scope}${kind.plural}/{name}`
    const parameters = at(document, 'paths', path, 'patch', 'parameters') as { name: string }[]
    assert.ok(
      parameters.some((parameter) => parameter.name === 'fieldValidation'),
      path,
    )
    assert.ok(
      at(document, 'paths', path, 'patch', 'requestBody', 'content', 'application/strategic-merge-patch+json'),
      path,
    )
  }
})

test('every reference leads somewhere', () => {
  for (const kind of kinds) {
    const text = JSON.stringify(renderOpenApiV3(kinds, kind))
    const { components } = JSON.parse(text) as { components: { schemas: Record<string, object> } }
    for (const [, name = ''] of text.matchAll(/#\/components\/schemas\/([\w.]+)/g)) {
      assert.ok(Object.keys(components.schemas[name] ?? {}).length > 0, name)
    }
  }
})

test('the index names documents by hash', () => {
  assert.deepEqual(renderOpenApiIndex({ 'api/v1': 'A', 'apis/apps/v1': 'B' }), {
    paths: {
      'api/v1': { serverRelativeURL: '/openapi/v3/api/v1?hash=A' },
      'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=B' },
    },
  })
})

test('the v2 document is 32 bytes', () => assert.equal(openApiV2.length, 32))
