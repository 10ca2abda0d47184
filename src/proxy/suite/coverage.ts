/** What the table of cases has to cover, so that a gap shows instead of hiding. */
import { ServiceSpec } from '#api/service.ts'
import type { PacketCase } from './packet-case.ts'
import type { NamedTest, Row } from './row.ts'
import { rows as allRows } from './rows/all.ts'

export interface Coverage {
  /** Neither a case, nor a test, nor a limit that is told. */
  readonly unprovenRows: readonly string[]
  /** Of a Service's spec: in no case, and no row of that name. */
  readonly uncoveredFields: readonly string[]
  /** Tags of cases that name no row: a typing mistake. */
  readonly unknownTags: readonly string[]
}

export const fullCoverage: Coverage = { unprovenRows: [], uncoveredFields: [], unknownTags: [] }

export function coverageOf(cases: readonly PacketCase[], rows: readonly Row[] = allRows): Coverage {
  const tags = new Set(cases.flatMap(({ covers }) => covers))
  const specs = cases.flatMap(({ steps }) => steps.flatMap(({ services }) => services.map(({ spec }) => spec)))
  const fields = new Set(specs.flatMap((spec) => Object.keys(spec)))
  const ids = new Set(rows.map(({ id }) => id))
  return {
    unprovenRows: rows.filter((row) => !tags.has(row.id) && !isProvenElsewhere(row)).map(({ id }) => id),
    uncoveredFields: Object.keys(ServiceSpec.fields).filter((field) => !fields.has(field) && !ids.has(`spec.${field}`)),
    unknownTags: [...tags].filter((tag) => !ids.has(tag)),
  }
}

const isProvenElsewhere = ({ tests, limits }: Row): boolean => tests.length > 0 || limits.length > 0

/** Tests that rows name and their files do not have. */
export async function missingTests(
  rows: readonly Row[],
  namesIn: (file: string) => Promise<ReadonlySet<string>>,
): Promise<readonly NamedTest[]> {
  const byFile = Map.groupBy(
    rows.flatMap(({ tests }) => tests),
    ({ file }) => file,
  )
  const missing: NamedTest[] = []
  for (const [file, tests] of byFile) {
    const names = await namesIn(file)
    missing.push(...tests.filter(({ name }) => !names.has(name)))
  }
  return missing
}
