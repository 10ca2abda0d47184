/**
 * Sets of fields as trees. An element is written as in FieldsV1: `f:name` for a field or map key, `k:{"name":"c"}` for an
 * item of a keyed list, `v:"x"` for an item of a set. A node may be a member itself, have members below it, or both.
 */
export interface FieldSet {
  readonly member: boolean
  readonly children: ReadonlyMap<string, FieldSet>
}

export const emptySet: FieldSet = { member: false, children: new Map() }
export const leaf: FieldSet = { member: true, children: new Map() }

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0
}

/** Drops children without members. */
export function fieldSet(member: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { member, children: new Map([...children].filter(([, child]) => !isEmpty(child))) }
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA || inB)
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA && !inB)
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (inA, inB) => inA && inB)
}

/** What of `a` is not in `b` nor below a member of `b`. */
export function withoutSubtrees(a: FieldSet, b: FieldSet): FieldSet {
  if (b.member) return emptySet
  return fieldSet(
    a.member,
    Array.from(a.children, ([element, child]) => {
      const other = b.children.get(element)
      return [element, other ? withoutSubtrees(child, other) : child] as const
    }),
  )
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a.member !== b.member || a.children.size !== b.children.size) return false
  for (const [element, child] of a.children) {
    const other = b.children.get(element)
    if (!other || !sameSet(child, other)) return false
  }
  return true
}

/** Members as lists of elements, in order. */
export function* pathsOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  if (set.member && prefix.length > 0) yield prefix
  for (const [element, child] of set.children) yield* pathsOf(child, [...prefix, element])
}

function combine(a: FieldSet, b: FieldSet, keep: (inA: boolean, inB: boolean) => boolean): FieldSet {
  const elements = new Set([...a.children.keys(), ...b.children.keys()])
  return fieldSet(
    keep(a.member, b.member),
    Array.from(
      elements,
      (element) =>
        [element, combine(a.children.get(element) ?? emptySet, b.children.get(element) ?? emptySet, keep)] as const,
    ),
  )
}

/** FieldsV1: `{}` is a member without anything below, `.` marks a member that also has something below. */
export function encodeFields(set: FieldSet): Record<string, unknown> {
  const children = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1))
  const below = children.map(([element, child]): [string, unknown] => [element, encodeFields(child)])
  return Object.fromEntries(set.member && below.length > 0 ? [['.', {}], ...below] : below)
}

export function decodeFields(fields: unknown): FieldSet {
  const node = decodeNode(fields)
  return { member: false, children: node.children }
}

function decodeNode(fields: unknown): FieldSet {
  if (typeof fields !== 'object' || fields === null) return leaf
  const entries = Object.entries(fields)
  const below = entries.filter(([element]) => element !== '.')
  return fieldSet(
    below.length === 0 || below.length < entries.length,
    below.map(([element, child]) => [element, decodeNode(child)] as const),
  )
}

/** `.spec.containers[name="c"].image`, as conflicts name fields. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('')
}

function formatElement(element: string): string {
  const value = element.slice(2)
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${value}`
    case 'k:': {
      const keys = Object.entries(JSON.parse(value) as Record<string, unknown>)
      return `[${keys.map(([key, part]) => `${key}=${JSON.stringify(part)}`).join(',')}]`
    }
    case 'v:':
      return `[=${value}]`
    default:
      return `[${value}]`
  }
}
