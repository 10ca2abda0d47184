/** Every failure that the API answers, as StatusError with Kubernetes' own reasons and texts. */
import { type Finding, type Kind, resourceName } from '#api/kind.ts'
import type { Status, StatusCause } from '#api/meta.ts'
import { StatusError } from '#api/status-error.ts'

type Named = Pick<Kind, 'group' | 'plural'>
type Details = NonNullable<Status['details']>

export const notFound = (resource: Named, name: string) =>
  failure(404, 'NotFound', `${resourceName(resource)} "${name}" not found`, about(resource, name))

export const alreadyExists = (resource: Named, name: string) =>
  failure(409, 'AlreadyExists', `${resourceName(resource)} "${name}" already exists`, about(resource, name))

export const beingDeleted = (resource: Named, name: string) =>
  failure(
    409,
    'AlreadyExists',
    `object is being deleted: ${resourceName(resource)} "${name}" already exists`,
    about(resource, name),
  )

export const modified = (resource: Named, name: string) =>
  conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )

export const conflict = (resource: Named, name: string, why: string) =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${resourceName(resource)} "${name}": ${why}`,
    about(resource, name),
  )

/** A precondition (uid, resourceVersion) does not hold; its text names the Kind, not the resource. */
export const preconditionFailed = (
  kind: Kind,
  name: string,
  what: 'UID' | 'ResourceVersion',
  asked: string,
  is: string,
) => {
  const why = `the ${what} in the precondition (${asked}) does not match the ${what} in record (${is}). The object might have been ${what === 'UID' ? 'deleted and then recreated' : 'modified'}`
  return failure(409, 'Conflict', `Operation cannot be fulfilled on ${kind.kind} "${name}": ${why}`, {
    name,
    kind: kind.kind,
  })
}

export function invalid(
  kind: { group: string; kind: string },
  name: string,
  findings: readonly Finding[],
): StatusError {
  const group = kind.group === '' ? {} : { group: kind.group }
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
  const texts = findings.map(({ field, message }) => `${field}: ${message}`)
  const summary = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const causes = findings.map(({ reason, message, field }): StatusCause => ({ reason, message, field }))
  return failure(422, 'Invalid', `${qualified} "${name}" is invalid: ${summary}`, {
    ...(name !== '' && { name }),
    ...group,
    kind: kind.kind,
    causes,
  })
}

/** Bad query parameters of a list, watch or write. */
export const invalidOptions = (kind: string, findings: readonly Finding[]) =>
  invalid({ group: 'meta.k8s.io', kind }, '', findings)

/** Somebody else owns what an apply wants to change. @param conflicts in order; `who` as in `"kubectl" using v1` */
export function applyConflicts(conflicts: readonly { readonly who: string; readonly field: string }[]): StatusError {
  const causes = conflicts.map(({ who, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${who}`,
    field,
  }))
  return failure(409, 'Conflict', `Apply failed with ${summarize(conflicts)}`, { causes })
}

function summarize(conflicts: readonly { readonly who: string; readonly field: string }[]): string {
  const [only] = conflicts
  if (conflicts.length === 1 && only) return `1 conflict: conflict with ${only.who}: ${only.field}`
  const byOwner = [...Map.groupBy(conflicts, ({ who }) => who)].sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = byOwner.flatMap(([who, fields]) => [
    `conflicts with ${who}:`,
    ...fields.map(({ field }) => `- ${field}`),
  ])
  return `${conflicts.length} conflicts: ${lines.join('\n')}`
}

export const badRequest = (message: string) => failure(400, 'BadRequest', message)

export const forbidden = (resource: Named, name: string | undefined, why: string, causes?: StatusCause[]) =>
  failure(
    403,
    'Forbidden',
    `${resourceName(resource)}${name === undefined || name === '' ? '' : ` "${name}"`} is forbidden: ${why}`,
    { ...about(resource, name), ...(causes && { causes }) },
  )

export const forbiddenPath = (user: string, verb: string, path: string) =>
  failure(403, 'Forbidden', `forbidden: User "${user}" cannot ${verb} path "${path}"`, {})

export const methodNotAllowed = (resource: Named, verb: string) =>
  failure(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${resourceName(resource)}"`,
    about(resource, undefined),
  )

export const notAcceptable = (accepted: readonly string[]) =>
  failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`)

export const unsupportedMediaType = (accepted: readonly string[]) =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

/** A patch that does not fit the object. */
export const unprocessable = (why: string) =>
  failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ field: 'patch', message: why }],
  })

export const tooLarge = (message: string) => failure(413, 'RequestEntityTooLarge', message)

export const expiredContinue = () =>
  failure(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. ' +
      'You can start a new list without the continue parameter.',
  )

export const tooOldResourceVersion = (asked: number, oldest: number) =>
  failure(410, 'Expired', `too old resource version: ${asked} (${oldest})`)

export const tooLargeResourceVersion = (asked: number, current: number) =>
  failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })

export const tooManyRequests = (message: string, causes: StatusCause[]) =>
  failure(429, 'TooManyRequests', message, { causes })

export const internalError = (message: string, cause?: unknown) =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }, cause)

export function about(resource: Named, name: string | undefined): Details {
  return {
    ...(name !== undefined && name !== '' && { name }),
    ...(resource.group !== '' && { group: resource.group }),
    kind: resource.plural,
  }
}

function failure(code: number, reason: string, message: string, details?: Details, cause?: unknown): StatusError {
  return new StatusError(
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details && { details }),
      code,
    },
    cause === undefined ? undefined : { cause },
  )
}
