/** Query parameters of lists, watches and writes, checked. */
import type { Finding } from '#api/kind.ts'
import { badRequest, invalidOptions } from '../api-errors.ts'
import { isTrue } from './parse-request-info.ts'

export type ResourceVersionMatch = 'NotOlderThan' | 'Exact'

export interface ListOptions {
  readonly limit?: number
  readonly continue?: string
  /** Absent for the newest; 0 for any. */
  readonly resourceVersion?: number
  readonly match?: ResourceVersionMatch
}

export interface WatchOptions {
  readonly resourceVersion?: number
  readonly sendInitialEvents?: boolean
  readonly bookmarks: boolean
  readonly timeoutSeconds?: number
}

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict'
  readonly fieldManager?: string
}

export function parseListOptions(query: URLSearchParams): ListOptions {
  const match = parseMatch(query)
  const text = query.get('resourceVersion') ?? ''
  const token = query.get('continue') ?? ''
  const findings: Finding[] = []
  if (query.has('sendInitialEvents')) {
    findings.push(forbiddenOption('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  }
  if (match && token !== '') {
    findings.push(
      forbiddenOption('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'),
    )
  } else if (match && text === '') {
    findings.push(
      forbiddenOption('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
    )
  } else if (match === 'Exact' && text === '0') {
    findings.push(
      forbiddenOption('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    )
  }
  if (findings.length > 0) throw invalidOptions('ListOptions', findings)
  if (token !== '' && text !== '' && text !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  const limit = parseInteger(query, 'limit')
  const resourceVersion = parseResourceVersion(text)
  return {
    ...(limit !== undefined && limit > 0 && { limit }),
    ...(token !== '' && { continue: token }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(match && { match }),
  }
}

export function parseWatchOptions(query: URLSearchParams): WatchOptions {
  const match = parseMatch(query)
  const sendInitialEvents = query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined
  const findings: Finding[] = []
  if (match && sendInitialEvents === undefined) {
    findings.push(
      forbiddenOption(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ),
    )
  }
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    findings.push(
      match === undefined
        ? forbiddenOption(
            'resourceVersionMatch',
            'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
          )
        : {
            field: 'resourceVersionMatch',
            reason: 'FieldValueNotSupported',
            message: `Unsupported value: "${match}": supported values: "NotOlderThan"`,
          },
    )
  }
  const bookmarks = isTrue(query.get('allowWatchBookmarks'))
  if (sendInitialEvents === true && !bookmarks) {
    findings.push(
      forbiddenOption('sendInitialEvents', 'sendInitialEvents requires setting allowWatchBookmarks to true'),
    )
  }
  if (findings.length > 0) throw invalidOptions('ListOptions', findings)
  const timeoutSeconds = parseInteger(query, 'timeoutSeconds')
  const resourceVersion = parseResourceVersion(query.get('resourceVersion') ?? '')
  return {
    bookmarks,
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(sendInitialEvents !== undefined && { sendInitialEvents }),
    ...(timeoutSeconds !== undefined && timeoutSeconds > 0 && { timeoutSeconds }),
  }
}

export function parseWriteOptions(query: URLSearchParams, kind: 'Create' | 'Update' | 'Patch'): WriteOptions {
  const findings: Finding[] = []
  const dryRun = query.getAll('dryRun').filter((value) => value !== '')
  findings.push(...dryRun.filter((value) => value !== 'All').map((value) => unsupported('dryRun', value, ['All'])))
  const validation = query.get('fieldValidation') || 'Warn'
  if (!isFieldValidation(validation)) {
    findings.push(unsupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  const fieldManager = query.get('fieldManager') ?? ''
  if (fieldManager.length > 128) {
    findings.push({
      field: 'fieldManager',
      reason: 'FieldValueTooLong',
      message: 'Too long: may not be more than 128 bytes',
    })
  }
  if (findings.length > 0) throw invalidOptions(`${kind}Options`, findings)
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: validation as WriteOptions['fieldValidation'],
    ...(fieldManager !== '' && { fieldManager }),
  }
}

function isFieldValidation(value: string): boolean {
  return value === 'Ignore' || value === 'Warn' || value === 'Strict'
}

export function parseResourceVersion(text: string): number | undefined {
  if (text === '') return undefined
  if (/^[0-9]{1,15}$/.test(text)) return Number(text)
  throw invalidOptions('ListOptions', [
    {
      field: 'resourceVersion',
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    },
  ])
}

function parseMatch(query: URLSearchParams): ResourceVersionMatch | undefined {
  const match = query.get('resourceVersionMatch') ?? ''
  if (match === '') return undefined
  if (match === 'NotOlderThan' || match === 'Exact') return match
  throw invalidOptions('ListOptions', [unsupported('resourceVersionMatch', match, ['', 'Exact', 'NotOlderThan'])])
}

function parseInteger(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? ''
  if (text === '') return undefined
  if (/^-?[0-9]{1,15}$/.test(text)) return Number(text)
  throw badRequest(`unable to decode query parameter ${name}: strconv.ParseInt: parsing "${text}": invalid syntax`)
}

function forbiddenOption(field: string, why: string): Finding {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${why}` }
}

export function unsupported(field: string, value: string, supported: readonly string[]): Finding {
  const list = supported.map((choice) => `"${choice}"`).join(', ')
  return {
    field,
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: "${value}": supported values: ${list}`,
  }
}
