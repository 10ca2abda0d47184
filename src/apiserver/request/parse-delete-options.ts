/** How to delete: from the body, or from the query when there is no body. */
import { decodeObject } from '#api/decode-object.ts'
import type { Finding } from '#api/kind.ts'
import { DeleteOptions as deleteOptionsSchema, type DeleteOptions as RawOptions } from '#api/meta-schema.ts'
import type { ApiRequest } from '#api/wire.ts'
import { badRequest, invalidOptions } from '../api-errors.ts'
import type { DeleteOptions } from '../write/plan-deletion.ts'
import { unsupported } from './parse-options.ts'
import { isTrue } from './parse-request-info.ts'
import { readBody } from './read-body.ts'

const policies = ['Background', 'Foreground', 'Orphan'] as const

export function parseDeleteOptions(request: ApiRequest): DeleteOptions {
  const body = readBody(request)
  return checkDeleteOptions(body.value === undefined ? fromQuery(request.query) : fromBody(body.value))
}

/** Any apiVersion is fine: clients send that of the group, of core or of meta.k8s.io. */
function fromBody(value: unknown): RawOptions {
  const { value: options, errors } = decodeObject(deleteOptionsSchema, value)
  if (errors[0]) throw badRequest(`DeleteOptions cannot be read: ${errors[0].message}`)
  return options
}

export function checkDeleteOptions(raw: RawOptions): DeleteOptions {
  const { propagationPolicy, orphanDependents, gracePeriodSeconds, preconditions } = raw
  const dryRun = (raw.dryRun ?? []).filter((value) => value !== '')
  const findings: Finding[] = dryRun
    .filter((value) => value !== 'All')
    .map((value) => unsupported('dryRun', value, ['All']))
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    findings.push({
      field: 'propagationPolicy',
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${propagationPolicy}": orphanDependents and deletionPropagation cannot be both set`,
    })
  }
  const policy = policyOf(raw)
  if (policy !== undefined && !isPolicy(policy)) findings.push(unsupported('propagationPolicy', policy, policies))
  if (findings.length > 0) throw invalidOptions('DeleteOptions', findings)
  return {
    dryRun: dryRun.length > 0,
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(isPolicy(policy) && { propagationPolicy: policy }),
    ...(preconditions && { preconditions }),
  }
}

function fromQuery(query: URLSearchParams): RawOptions {
  const grace = query.get('gracePeriodSeconds')
  const orphan = query.get('orphanDependents')
  const policy = query.get('propagationPolicy')
  if (grace && !/^-?[0-9]{1,15}$/.test(grace)) throw badRequest(`gracePeriodSeconds is not a number: ${grace}`)
  return {
    dryRun: query.getAll('dryRun'),
    ...(grace && { gracePeriodSeconds: Number(grace) }),
    ...(orphan && { orphanDependents: isTrue(orphan) }),
    ...(policy && { propagationPolicy: policy }),
  }
}

function policyOf({ propagationPolicy, orphanDependents }: RawOptions): string | undefined {
  if (propagationPolicy !== undefined && propagationPolicy !== '') return propagationPolicy
  if (orphanDependents === undefined) return undefined
  return orphanDependents ? 'Orphan' : 'Background'
}

function isPolicy(value: string | undefined): value is (typeof policies)[number] {
  return policies.some((policy) => policy === value)
}
