import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeObject, describeStrictErrors, describeTypeErrors, describeUnknownField } from './decode-object.ts'
import { Deployment } from './deployment.ts'
import type { Kind } from './kind.ts'
import { Lease } from './lease.ts'
import { Pod } from './pod.ts'
import { Secret } from './secret.ts'
import { Service } from './service.ts'

interface Case {
  readonly name: string
  readonly kind: Pick<Kind, 'schema'>
  readonly json: object
  /** Without apiVersion, kind and metadata. */
  readonly value?: object
  readonly unknown?: readonly string[]
  readonly errors?: readonly string[]
}

const cases: readonly Case[] = [
  {
    name: 'unknown fields are dropped and named',
    kind: Pod,
    json: { spec: { containers: [{ name: 'a', imag: 'b' }], foo: 1 }, extra: {} },
    value: { spec: { containers: [{ name: 'a' }] } },
    unknown: ['spec.containers[0].imag', 'spec.foo', 'extra'],
  },
  { name: 'null is absence', kind: Pod, json: { spec: { nodeName: null, containers: null } }, value: { spec: {} } },
  {
    name: 'null in a list or map is the zero value',
    kind: Service,
    json: { spec: { selector: { a: null }, externalIPs: [null] } },
    value: { spec: { selector: { a: '' }, externalIPs: [''] } },
  },
  {
    name: 'text for a number',
    kind: Deployment,
    json: { spec: { replicas: '3' } },
    value: { spec: {} },
    errors: ['json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
  },
  {
    name: 'a fraction for a number, inside a list',
    kind: Service,
    json: { spec: { ports: [{ port: 1.5 }] } },
    value: { spec: { ports: [{}] } },
    errors: ['json: cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.port of type int32'],
  },
  {
    name: 'a list for an object',
    kind: Service,
    json: { spec: [] },
    value: {},
    errors: ['json: cannot unmarshal array into Go struct field Service.spec of type v1.ServiceSpec'],
  },
  {
    name: 'an object for a list',
    kind: Service,
    json: { spec: { ports: {} } },
    value: { spec: {} },
    errors: ['json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort'],
  },
  {
    name: 'a port is a number or text',
    kind: Service,
    json: { spec: { ports: [{ targetPort: 'http' }, { targetPort: 80 }] } },
    value: { spec: { ports: [{ targetPort: 'http' }, { targetPort: 80 }] } },
  },
  {
    name: 'a quantity may be written as a number',
    kind: Pod,
    json: { spec: { containers: [{ name: 'a', resources: { limits: { cpu: 1, memory: '1Gi' } } }] } },
    value: { spec: { containers: [{ name: 'a', resources: { limits: { cpu: '1', memory: '1Gi' } } }] } },
  },
  {
    name: 'what is no quantity',
    kind: Pod,
    json: { spec: { containers: [{ name: 'a', resources: { limits: { cpu: 'much' } } }] } },
    value: { spec: { containers: [{ name: 'a', resources: { limits: {} } }] } },
    errors: ["quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  },
  {
    name: 'base64 that is none',
    kind: Secret,
    json: { data: { a: 'a*==' } },
    value: { data: {} },
    errors: ['illegal base64 data at input byte 1'],
  },
  {
    name: 'times are in UTC, micro times to the sixth digit',
    kind: Lease,
    json: { spec: { renewTime: '2026-11-20T12:00:00.5+02:00' } },
    value: { spec: { renewTime: '2026-11-20T10:00:00.500000Z' } },
  },
  {
    name: 'a key called __proto__ is a key',
    kind: Service,
    json: JSON.parse('{"spec":{"selector":{"__proto__":"x"}}}') as object,
    value: { spec: { selector: JSON.parse('{"__proto__":"x"}') as object } },
  },
]

for (const { name, kind, json, value = {}, unknown = [], errors = [] } of cases) {
  test(`decodes: ${name}`, () => {
    const decoded = decodeObject(kind.schema, json)
    const { metadata: _, ...rest } = decoded.value
    assert.deepEqual(rest, value)
    assert.deepEqual(decoded.unknown, unknown)
    assert.deepEqual(
      decoded.errors.map((error) => error.message),
      errors,
    )
  })
}

test('the sentences of a 400', () => {
  const { errors } = decodeObject(Deployment.schema, { spec: { paused: 1 } })
  assert.equal(
    describeTypeErrors(Deployment, errors),
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number into Go struct field DeploymentSpec.spec.paused of type bool',
  )
  assert.equal(
    describeStrictErrors(Deployment, [describeUnknownField('spec.template.spec.containers[0].imag')]),
    'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imag"',
  )
})
