/** Label selectors: the text of `labelSelector=`, the object in specs, and how both match. */
import { labelValueProblems, qualifiedNameProblems } from './check-name.ts'
import type { LabelSelector } from './meta.ts'
import { tokenizeSelector, type SelectorToken } from './tokenize-selector.ts'

export type Labels = Readonly<Record<string, string>>
export type LabelMatcher = (labels: Labels | undefined) => boolean

export interface LabelRequirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | '!' | '>' | '<'
  /** Sorted; exactly one for `>` and `<`. */
  readonly values: readonly string[]
}

/** A selector that cannot be read; the API answers 400 with this message. */
export class SelectorSyntaxError extends Error {
  override readonly name = 'SelectorSyntaxError'
}

/** Reads `a=b,c in (d,e),!f,g>1`. The empty text selects everything. */
export function parseLabelSelector(text: string): LabelMatcher {
  return matchRequirements(parseLabelRequirements(text))
}

export function parseLabelRequirements(text: string): LabelRequirement[] {
  const reader = new TokenReader(tokenizeSelector(text))
  const requirements: LabelRequirement[] = []
  if (reader.peek().type === 'end') return requirements
  for (;;) {
    const start = reader.peek()
    if (start.type !== 'identifier' && start.type !== '!') {
      throw new SelectorSyntaxError(`found '${start.text}', expected: !, identifier, or 'end of string'`)
    }
    requirements.push(readRequirement(reader))
    const next = reader.take()
    if (next.type === 'end') return requirements
    if (next.type !== ',') throw new SelectorSyntaxError(`found '${next.text}', expected: ',' or 'end of string'`)
    const after = reader.peek()
    if (after.type !== 'identifier' && after.type !== '!') {
      throw new SelectorSyntaxError(`found '${after.text}', expected: identifier after ','`)
    }
  }
}

/** All requirements must hold. An absent label satisfies `notin` and `!`. */
export function matchRequirements(requirements: readonly LabelRequirement[]): LabelMatcher {
  return (labels) => requirements.every((requirement) => holds(requirement, labels))
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels | undefined): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case 'in':
      return value !== undefined && values.includes(value)
    case 'notin':
      return value === undefined || !values.includes(value)
    case '>':
      return isInteger(value) && BigInt(value) > BigInt(values[0] ?? '0')
    case '<':
      return isInteger(value) && BigInt(value) < BigInt(values[0] ?? '0')
    default:
      return operator satisfies never
  }
}

const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?\d+$/.test(text)

/** A selector object; absent, it selects nothing; empty, it selects everything. */
export function matchLabelSelector(selector: LabelSelector | undefined): LabelMatcher {
  return selector === undefined ? () => false : matchRequirements(requirementsOf(selector))
}

/** A plain map of labels, as Services have it; absent or empty, it selects nothing. */
export function matchLabels(selector: Labels | undefined): LabelMatcher {
  const pairs = Object.entries(selector ?? {})
  return (labels) => pairs.length > 0 && pairs.every(([key, value]) => labels?.[key] === value)
}

/** The selector as text that `parseLabelSelector` reads; `''` when it selects everything. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const equals = new Set(Object.keys(selector?.matchLabels ?? {}))
  return requirementsOf(selector ?? {})
    .map((requirement) => formatRequirement(requirement, equals.has(requirement.key)))
    .join(',')
}

/** `a=b,c=d`, sorted by key. */
export function formatLabels(labels: Labels | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')
}

function requirementsOf(selector: LabelSelector): LabelRequirement[] {
  const operators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]): LabelRequirement => ({
    key,
    operator: 'in',
    values: [value],
  }))
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }): LabelRequirement => ({
    key,
    operator: operators[operator],
    values: (values ?? []).toSorted(),
  }))
  return [...equal, ...expressions].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function formatRequirement({ key, operator, values }: LabelRequirement, asEquality: boolean): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
      return asEquality && values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`
    case 'notin':
      return `${key} notin (${values.join(',')})`
    case '>':
    case '<':
      return `${key}${operator}${values[0]}`
    default:
      return operator satisfies never
  }
}

function readRequirement(reader: TokenReader): LabelRequirement {
  const negated = reader.peek().type === '!'
  if (negated) reader.take()
  const key = reader.take()
  if (key.type !== 'identifier') fail(`found '${key.text}', expected: identifier`)
  const [keyProblem] = qualifiedNameProblems(key.text)
  if (keyProblem !== undefined) fail(`<nil>: Invalid value: ${JSON.stringify(key.text)}: ${keyProblem}`)
  if (negated) return { key: key.text, operator: '!', values: [] }
  const next = reader.peek()
  if (next.type === 'end' || next.type === ',') return { key: key.text, operator: 'exists', values: [] }
  return readComparison(reader, key.text)
}

function readComparison(reader: TokenReader, key: string): LabelRequirement {
  const token = reader.takeOperator()
  switch (token.type) {
    case 'in':
    case 'notin': {
      const values = readValues(reader)
      checkValues(key, values)
      return { key, operator: token.type, values: values.toSorted() }
    }
    case '=':
    case '==':
    case '!=': {
      const values = [readExactValue(reader)]
      checkValues(key, values)
      return { key, operator: token.type === '!=' ? 'notin' : 'in', values }
    }
    case '>':
    case '<': {
      const value = readExactValue(reader)
      if (!isInteger(value)) {
        fail(
          `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
        )
      }
      return { key, operator: token.type, values: [value] }
    }
    default:
      return fail(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`)
  }
}

function checkValues(key: string, values: readonly string[]): void {
  values.forEach((value, index) => {
    const [problem] = labelValueProblems(value)
    if (problem !== undefined) fail(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`)
  })
}

function readExactValue(reader: TokenReader): string {
  const next = reader.peek()
  if (next.type === 'end' || next.type === ',') return ''
  const token = reader.take()
  if (token.type !== 'identifier') fail(`found '${token.text}', expected: identifier`)
  return token.text
}

function readValues(reader: TokenReader): string[] {
  const open = reader.take()
  if (open.type !== '(') fail(`found '${open.text}' expected: '('`)
  if (reader.peek().type === ')') {
    reader.take()
    return ['']
  }
  const values = new Set<string>()
  for (;;) {
    const next = reader.peek()
    if (next.type === 'identifier') values.add(reader.take().text)
    else if (next.type === ',' || next.type === ')') values.add('')
    else fail(`found '${next.text}', expected: ',', ')' or identifier`)
    const separator = reader.take()
    if (separator.type === ')') return [...values]
    if (separator.type !== ',') fail(`found '${separator.text}', expected: ',' or ')'`)
  }
}

function fail(message: string): never {
  throw new SelectorSyntaxError(`unable to parse requirement: ${message}`)
}

/** `in` and `notin` are operators only where an operator may stand; elsewhere they are names. */
class TokenReader {
  readonly #tokens: readonly SelectorToken[]
  #next = 0
  constructor(tokens: readonly SelectorToken[]) {
    this.#tokens = tokens
  }
  peek(): SelectorToken {
    const token = this.#tokens[this.#next] ?? { type: 'end', text: '' }
    return token.type === 'in' || token.type === 'notin' ? { type: 'identifier', text: token.text } : token
  }
  take(): SelectorToken {
    const token = this.peek()
    this.#next++
    return token
  }
  takeOperator(): SelectorToken {
    return this.#tokens[this.#next++] ?? { type: 'end', text: '' }
  }
}
