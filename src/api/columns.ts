/** Building blocks for the table columns of kinds. */
import { ageOf } from './human-duration.ts'
import type { Column } from './kind.ts'
import type { KubeObject } from './meta.ts'

type ColumnOptions = Pick<Column<never>, 'priority' | 'description'>

export function nameColumn<T extends KubeObject>(): Column<T> {
  const description = 'Name is unique within a namespace; it cannot be changed.'
  return { name: 'Name', type: 'string', format: 'name', description, cell: (object) => object.metadata.name }
}

export function ageColumn<T extends KubeObject>(): Column<T> {
  const description = 'Time since the object was created.'
  return {
    name: 'Age',
    type: 'string',
    description,
    cell: (object, nowMs) => ageOf(object.metadata.creationTimestamp, nowMs),
  }
}

export function textColumn<T>(
  name: string,
  cell: (object: T, nowMs: number) => string,
  options: ColumnOptions = {},
): Column<T> {
  return { name, type: 'string', cell, ...options }
}

export function integerColumn<T>(
  name: string,
  cell: (object: T) => number | undefined,
  options: ColumnOptions = {},
): Column<T> {
  return { name, type: 'integer', cell: (object) => cell(object) ?? 0, ...options }
}

export const wide: ColumnOptions = { priority: 1 }

/** Comma-separated list, or `<none>`. */
export function joined(values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? '<none>' : values.join(',')
}

/** The first `count` values, then ` + N more...`. */
export function firstOf(values: readonly string[], count: number): string {
  const shown = values.slice(0, count).join(',')
  return values.length > count ? `${shown} + ${values.length - count} more...` : shown
}
