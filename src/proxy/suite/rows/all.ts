import type { Row, RowGroup } from '../row.ts'
import { connections, decisionTable } from './connections.ts'
import { conntrack } from './conntrack.ts'
import { endpoints } from './endpoints.ts'
import { fields } from './fields.ts'
import { rules } from './rules.ts'
import { metricRows, servers } from './servers.ts'
import { settings } from './settings.ts'
import { traps } from './traps.ts'
import { watched } from './watched.ts'

/** What a Service proxy has to do, in the order in which docs/truth-table.md shows it. */
export const rowGroups: readonly RowGroup[] = [
  watched,
  endpoints,
  decisionTable,
  connections,
  traps,
  conntrack,
  rules,
  servers,
  metricRows,
  settings,
  fields,
]

export const rows: readonly Row[] = rowGroups.flatMap((group) => group.rows)
