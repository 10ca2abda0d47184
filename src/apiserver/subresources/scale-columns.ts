import { ageColumn, integerColumn, nameColumn } from '#api/columns.ts'
import type { Column } from '#api/kind.ts'
import type { Scale } from '#api/scale.ts'

export const scaleColumns: readonly Column<Scale>[] = [
  nameColumn(),
  integerColumn('Desired', ({ spec }) => spec.replicas),
  integerColumn('Available', ({ status }) => status?.replicas),
  ageColumn(),
]
