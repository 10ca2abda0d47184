/** Field selectors: `spec.nodeName=a,status.phase!=Succeeded`. */
import type { Kind } from './kind.ts'
import type { KubeObject } from './meta.ts'
import { SelectorSyntaxError } from './parse-selector.ts'

export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** Reads the text only; whether a kind knows the fields is for `matchFieldRequirements` to say. */
export function parseFieldRequirements(text: string): FieldRequirement[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => parseTerm(term, text))
}

/** Throws a SelectorSyntaxError when `kind` cannot be selected by one of the fields. */
export function matchFieldRequirements<T extends KubeObject>(
  kind: Kind<T>,
  requirements: readonly FieldRequirement[],
): (object: T) => boolean {
  const tests = requirements.map(({ field, operator, value }) => {
    const read = fieldReader(kind, field)
    return (object: T) => (read(object) === value) === (operator === '=')
  })
  return (object) => tests.every((test) => test(object))
}

export function parseFieldSelector<T extends KubeObject>(kind: Kind<T>, text: string): (object: T) => boolean {
  return matchFieldRequirements(kind, parseFieldRequirements(text))
}

function fieldReader<T extends KubeObject>(kind: Kind<T>, field: string): (object: T) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name
  if (field === 'metadata.namespace') return (object) => object.metadata.namespace ?? ''
  const own = Object.hasOwn(kind.selectableFields, field) ? kind.selectableFields[field] : undefined
  if (own !== undefined) return own
  throw new SelectorSyntaxError(
    Object.keys(kind.selectableFields).length > 0
      ? `field label not supported: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  )
}

function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\])+|\\$/gs) ?? []
}

function parseTerm(term: string, whole: string): FieldRequirement {
  const sign = /(?:\\.|[^\\=!]|!(?!=))*?(!=|==|=)/sy.exec(term)
  if (sign === null) throw new SelectorSyntaxError(`invalid selector: '${whole}'; can't understand '${term}'`)
  const [prefix, operator = '='] = sign
  return {
    field: prefix.slice(0, -operator.length),
    operator: operator === '!=' ? '!=' : '=',
    value: unescapeValue(term.slice(prefix.length)),
  }
}

function unescapeValue(value: string): string {
  if (/^(?:\\[\\,=]|[^\\,=])*$/s.test(value)) return value.replace(/\\(.)/gs, '$1')
  throw new SelectorSyntaxError(`invalid field selector: invalid value: ${JSON.stringify(value)}`)
}
