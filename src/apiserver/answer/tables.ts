/** Objects as a meta.k8s.io Table. */
import type { Column, Kind } from '#api/kind.ts'
import type { KubeObject } from '#api/meta.ts'
import { badRequest } from '../api-errors.ts'
import type { Accepted } from '../request/parse-accept.ts'
import { type Page, partialMetadata } from './page.ts'

export type IncludeObject = 'Metadata' | 'Object' | 'None'

export interface TableOptions {
  readonly accepted: Accepted
  readonly includeObject: IncludeObject
  readonly nowMs: number
}

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject') || 'Metadata'
  if (asked === 'Metadata' || asked === 'Object' || asked === 'None') return asked
  throw badRequest(`unrecognized includeObject value: "${asked}"`)
}

export function tableOf(kind: Kind, page: Page, { accepted, includeObject, nowMs }: TableOptions): object {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${accepted.version}`,
    metadata: page.metadata,
    columnDefinitions: kind.columns.map(columnDefinition),
    rows: page.objects.map((object) => ({
      cells: kind.columns.map((column) => column.cell(object, nowMs)),
      ...shownObject(object, includeObject, accepted.version),
    })),
  }
}

function columnDefinition({ name, type, format = '', description = '', priority = 0 }: Column<KubeObject>) {
  return { name, type, format, description, priority }
}

function shownObject(object: KubeObject, include: IncludeObject, version: string): { object?: KubeObject } {
  if (include === 'None') return {}
  return { object: include === 'Object' ? object : partialMetadata(object, version) }
}
