/** `POST serviceaccounts/NAME/token`: a token for the account, optionally bound to an object. */
import type { Finding } from '#api/kind.ts'
import { kinds } from '#api/registry.ts'
import { TokenRequest as tokenRequestSchema, type TokenRequestSpec } from '#api/token-request.ts'
import type { ApiResponse } from '#api/wire.ts'
import { answer, acceptOf } from '../answer/render-answer.ts'
import { conflict, invalid, notFound } from '../api-errors.ts'
import type { BoundObject, ServiceAccountTokens } from '../auth/service-account-tokens.ts'
import { type Call, nameOf } from '../call.ts'
import { decodeBodyAs } from '../request/decode-body.ts'
import { parseWriteOptions } from '../request/parse-options.ts'
import type { ServerDeps } from '../server-deps.ts'

export type MintToken = ServiceAccountTokens['mint']

const tokenRequestKind = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  schema: tokenRequestSchema,
}
const defaultSeconds = 3600
const shortestSeconds = 600
const longestSeconds = 2 ** 32
const bindableKinds = ['Pod', 'Secret', 'Node'] as const

export async function createToken(deps: ServerDeps, call: Call, mint: MintToken): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'Create')
  const warn = (text: string) => void call.warnings.add(text)
  const request = decodeBodyAs(call, tokenRequestKind, options.fieldValidation, warn)
  const spec: TokenRequestSpec = { expirationSeconds: defaultSeconds, ...request.spec }
  await deps.objects.fresh()
  const account = deps.objects.get(call.kind, call.namespace, nameOf(call))
  if (!account) throw notFound(call.kind, nameOf(call))
  checkSpec(spec)
  const boundTo = boundObject(deps, call, spec)
  const { namespace = '', name, uid = '' } = account.metadata
  const { token, expirationTimestamp } = mint(
    { namespace, name, uid },
    {
      ...(spec.audiences?.length && { audiences: spec.audiences }),
      expirationSeconds: spec.expirationSeconds ?? defaultSeconds,
      ...(boundTo && { boundTo }),
    },
  )
  const metadata = { name, namespace, creationTimestamp: new Date(deps.clock.nowMs()).toISOString().slice(0, 19) + 'Z' }
  const answered = { ...request, metadata, spec, status: { token, expirationTimestamp } }
  return answer(call, { ...acceptOf(call), as: 'object' }, answered, 201)
}

function checkSpec({ expirationSeconds = defaultSeconds, boundObjectRef }: TokenRequestSpec): void {
  const findings: Finding[] = []
  const refuse = (message: string) =>
    findings.push({
      field: 'spec.expirationSeconds',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${expirationSeconds}: ${message}`,
    })
  if (expirationSeconds < shortestSeconds) refuse('may not specify a duration less than 10 minutes')
  if (expirationSeconds > longestSeconds) refuse('may not specify a duration larger than 2^32 seconds')
  if (boundObjectRef && !isBindable(boundObjectRef.kind)) {
    const message = `Invalid value: "${boundObjectRef.kind}": cannot bind token for serviceaccount to this kind of object`
    findings.push({ field: 'spec.boundObjectRef', reason: 'FieldValueInvalid', message })
  }
  if (findings.length > 0) throw invalid(tokenRequestKind, '', findings)
}

function isBindable(kind: string | undefined): kind is BoundObject['kind'] {
  return bindableKinds.some((bindable) => bindable === kind)
}

function boundObject(deps: ServerDeps, call: Call, { boundObjectRef }: TokenRequestSpec): BoundObject | undefined {
  if (!boundObjectRef || !isBindable(boundObjectRef.kind)) return undefined
  const { kind, name = '', uid } = boundObjectRef
  const bound = kinds.find((candidate) => candidate.group === '' && candidate.kind === kind)!
  const object = deps.objects.get(bound, call.namespace, name)
  if (!object) throw notFound(bound, name)
  if (uid && uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflict(bound, name, why)
  }
  return { kind, name, uid: object.metadata.uid ?? '' }
}
