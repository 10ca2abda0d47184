/** Findings in Kubernetes' words. `value` is shown as the API shows it: text quoted, anything else as JSON. */
import type { Finding } from './kind.ts'

export function requiredValue(field: string, detail = ''): Finding {
  return finding(field, 'FieldValueRequired', 'Required value', detail)
}

export function invalidValue(field: string, value: unknown, detail: string): Finding {
  return finding(field, 'FieldValueInvalid', `Invalid value: ${shown(value)}`, detail)
}

export function unsupportedValue(field: string, value: unknown, supported: readonly string[]): Finding {
  const list = supported.toSorted().map((item) => JSON.stringify(item))
  return finding(
    field,
    'FieldValueNotSupported',
    `Unsupported value: ${shown(value)}`,
    `supported values: ${list.join(', ')}`,
  )
}

export function forbiddenValue(field: string, detail: string): Finding {
  return finding(field, 'FieldValueForbidden', 'Forbidden', detail)
}

export function duplicateValue(field: string, value: unknown): Finding {
  return finding(field, 'FieldValueDuplicate', `Duplicate value: ${shown(value)}`)
}

export function notFoundValue(field: string, value: unknown): Finding {
  return finding(field, 'FieldValueNotFound', `Not found: ${shown(value)}`)
}

export function tooLong(field: string, maxBytes: number): Finding {
  return finding(field, 'FieldValueTooLong', 'Too long', `may not be more than ${maxBytes} bytes`)
}

export function tooMany(field: string, actual: number, max: number): Finding {
  return finding(
    field,
    'FieldValueTooMany',
    `Too many: ${actual}`,
    `must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
  )
}

/** One `Invalid value` for each problem of the value. */
export function invalidFor(field: string, value: unknown, problems: readonly string[]): Finding[] {
  return problems.map((problem) => invalidValue(field, value, problem))
}

/** Absent is fine: whether a field is required is another question. */
export function oneOfValues<T extends string>(
  field: string,
  value: string | undefined,
  supported: readonly T[],
): Finding[] {
  return value === undefined || (supported as readonly string[]).includes(value)
    ? []
    : [unsupportedValue(field, value, supported)]
}

export function nonNegative(field: string, value: number | undefined): Finding[] {
  return value !== undefined && value < 0 ? [invalidValue(field, value, 'must be greater than or equal to 0')] : []
}

/** A field that an update must leave alone. */
export function immutable(field: string, now: unknown, before: unknown, detail = 'field is immutable'): Finding[] {
  return sameValue(now, before) ? [] : [invalidValue(field, now ?? null, detail)]
}

/** Equality of JSON values; absent, null and empty lists and maps are the same, as they are after Go's decoding. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b)
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]))
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => sameValue(left[key], right[key]))
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

function finding(field: string, reason: Finding['reason'], head: string, detail = ''): Finding {
  return { field, reason, message: detail === '' ? head : `${head}: ${detail}` }
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}
