/**
 * Strategic merge patch: a merge patch that knows from the schema which lists are keyed, and obeys directives
 * (`$patch`, `$retainKeys`, `$deleteFromPrimitiveList/x`, `$setElementOrder/x`). Directives never reach the result.
 */
import type { ArraySchema, MapSchema, ObjectSchema, Schema } from '#api/schema.ts'
import { badRequest } from '../api-errors.ts'
import { sameJson } from '../write/same-json.ts'
import { isFields } from './merge-patch.ts'
import { orderElements } from './order-elements.ts'

type Fields = Record<string, unknown>

interface FieldRules {
  readonly schema: Schema | undefined
  /** Strategies of the field, from the list or from the object-typed field. */
  readonly strategies: ReadonlySet<string>
  readonly mergeKey: string | undefined
}

const deletePrefix = '$deleteFromPrimitiveList/'
const orderPrefix = '$setElementOrder/'

/** @returns a new object; neither argument is changed, unchanged parts are shared */
export function strategicMerge(schema: ObjectSchema, target: Fields, patch: Fields): Fields {
  return mergeFields(schema, target, patch)
}

function mergeFields(schema: Schema | undefined, target: Fields, patch: Fields): Fields {
  const directive = patch['$patch']
  if (directive === 'delete') return {}
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive !== undefined && directive !== 'merge') throw badDirective(directive)
  const result = new Map(Object.entries(retained(target, patch)))
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue
    const rules = rulesOf(schema, key)
    if (value === null) result.delete(key)
    else {
      const merged = mergeValue(rules, result.get(key), value)
      if (merged === undefined) result.delete(key)
      else result.set(key, merged)
    }
  }
  for (const [key, value] of Object.entries(patch)) applyListDirective(schema, result, patch, target, key, value)
  return Object.fromEntries(result)
}

function mergeValue(rules: FieldRules, target: unknown, value: unknown): unknown {
  if (isFields(value)) {
    if (rules.strategies.has('replace') && value['$patch'] === undefined) return withoutDirectives(value)
    // `$patch: delete` in a field removes the field itself.
    if (value['$patch'] === 'delete') return undefined
    return mergeFields(rules.schema, isFields(target) ? target : {}, value)
  }
  if (!Array.isArray(value)) return value
  const old: unknown[] = Array.isArray(target) ? target : []
  if (!rules.strategies.has('merge')) return withoutListDirectives(value)
  return rules.mergeKey === undefined ? union(old, value) : mergeKeyed(rules, rules.mergeKey, old, value)
}

/** Lists of scalars with strategy merge. */
function union(target: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const result = [...target]
  for (const item of patch) if (!result.some((known) => sameJson(known, item))) result.push(item)
  return result
}

function mergeKeyed(rules: FieldRules, mergeKey: string, target: readonly unknown[], patch: readonly unknown[]) {
  const items = patch.map((item): Fields => {
    if (isFields(item)) return item
    throw badRequest(`expected an object with the merge key ${mergeKey} in the list, found ${JSON.stringify(item)}`)
  })
  if (items.some((item) => item['$patch'] === 'replace')) {
    return items.filter((item) => item['$patch'] === undefined).map(withoutDirectives)
  }
  const schema = rules.schema as ArraySchema | undefined
  const partnerOf = findPartners(schema, mergeKey, target, items)
  let result = [...target]
  for (const item of items) {
    if (item['$patch'] === 'merge') throw badDirective('merge')
    const key = item[mergeKey]
    if (key === undefined || key === null) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
    }
    const isSame = (candidate: unknown) => isFields(candidate) && sameJson(candidate[mergeKey], key)
    if (item['$patch'] === 'delete') {
      result = result.filter((candidate) => !isSame(candidate))
      continue
    }
    const index = partnerOf(item, result, isSame)
    const merged = mergeFields(schema?.items, index < 0 ? {} : (result[index] as Fields), item)
    if (index < 0) result.push(merged)
    else result[index] = merged
  }
  return result
}

type FindPartner = (item: Fields, list: readonly unknown[], isSame: (candidate: unknown) => boolean) => number

/**
 * Which element of the list an item of the patch is about. Elements may share the merge key where the list has further
 * keys (ports of a Service: TCP and UDP on one number): then the one that agrees in all keys, and no other item's.
 */
function findPartners(
  schema: ArraySchema | undefined,
  mergeKey: string,
  target: readonly unknown[],
  items: readonly Fields[],
): FindPartner {
  const keys = schema?.list?.listMapKeys ?? [mergeKey]
  if (keys.length === 1) return (_item, list, isSame) => list.findIndex(isSame)
  const fields = schema?.items.type === 'object' ? (schema.items as ObjectSchema).fields : {}
  const valueOf = (element: Fields, key: string) => element[key] ?? fields[key]?.default
  const agree = (item: Fields, candidate: unknown) =>
    isFields(candidate) && keys.every((key) => sameJson(valueOf(candidate, key), valueOf(item, key)))
  const claimed = new Set(items.map((item) => target.find((candidate) => agree(item, candidate))))
  return (item, list, isSame) => {
    const exact = list.findIndex((candidate) => agree(item, candidate))
    if (exact >= 0) return exact
    return list.findIndex((candidate) => isSame(candidate) && !claimed.has(candidate) && target.includes(candidate))
  }
}

function applyListDirective(
  schema: Schema | undefined,
  result: Map<string, unknown>,
  patch: Fields,
  target: Fields,
  key: string,
  value: unknown,
): void {
  if (key.startsWith(deletePrefix)) {
    const list = result.get(key.slice(deletePrefix.length))
    const removed = listOf(key, value)
    if (!Array.isArray(list)) return
    result.set(
      key.slice(deletePrefix.length),
      list.filter((item) => !removed.some((gone) => sameJson(gone, item))),
    )
  } else if (key.startsWith(orderPrefix)) {
    const name = key.slice(orderPrefix.length)
    const list = result.get(name)
    if (!Array.isArray(list)) return
    const { mergeKey } = rulesOf(schema, name)
    const items = Array.isArray(patch[name]) ? patch[name] : []
    const before = Array.isArray(target[name]) ? target[name] : []
    result.set(name, orderElements({ list, before, items, order: listOf(key, value), mergeKey }))
  } else if (key.startsWith('$') && key !== '$patch' && key !== '$retainKeys') throw badDirective(key)
}

/** `$retainKeys` names all keys that may stay. */
function retained(target: Fields, patch: Fields): Fields {
  const keys = patch['$retainKeys']
  if (keys === undefined) return target
  const kept = new Set(listOf('$retainKeys', keys))
  const foreign = Object.keys(patch).find((key) => !key.startsWith('$') && patch[key] !== null && !kept.has(key))
  if (foreign !== undefined) throw badRequest(`$retainKeys does not name ${foreign}, which the patch sets`)
  return Object.fromEntries(Object.entries(target).filter(([key]) => kept.has(key)))
}

function rulesOf(schema: Schema | undefined, key: string): FieldRules {
  if (schema?.type === 'map') {
    return { schema: (schema as MapSchema).values, strategies: new Set(), mergeKey: undefined }
  }
  const fields = schema?.type === 'object' ? (schema as ObjectSchema).fields : {}
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined
  const list = field?.schema.type === 'array' ? (field.schema as ArraySchema).list : undefined
  const strategy = list?.patchStrategy ?? field?.patchStrategy ?? ''
  return { schema: field?.schema, strategies: new Set(strategy.split(',')), mergeKey: list?.patchMergeKey }
}

/** New subtrees: nulls and directives vanish. */
function withoutDirectives(value: Fields): Fields {
  const kept = Object.entries(value).filter(([key, item]) => !key.startsWith('$') && item !== null)
  return Object.fromEntries(kept.map(([key, item]) => [key, cleaned(item)]))
}

function cleaned(item: unknown): unknown {
  if (Array.isArray(item)) return withoutListDirectives(item)
  return isFields(item) ? withoutDirectives(item) : item
}

function withoutListDirectives(list: readonly unknown[]): unknown[] {
  return list.filter((item) => !(isFields(item) && item['$patch'] !== undefined)).map(cleaned)
}

function listOf(key: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  throw badRequest(`invalid patch format of ${key}: it must be a list`)
}

function badDirective(directive: unknown) {
  return badRequest(`invalid value of special directive: ${String(directive)}`)
}
