/** Runs every packet case over every back end and writes docs/truth-table.md: `npm run truth-table`, as root. */
import { writeFileSync } from 'node:fs'
import { silentLog } from '#observe/log.ts'
import { openNftablesBackend } from '#proxy/nftables/apply-nftables.ts'
import { packetCases } from '#proxy/suite/cases/all.ts'
import { renderTruthTable, type Column } from '#proxy/suite/render-truth-table.ts'
import { rowGroups } from '#proxy/suite/rows/all.ts'
import { laneCount, Lanes, whyNot, type SuiteBackend } from '#proxy/suite/run-packet-suite.ts'
import { caseOf } from '#proxy/suite/translate-to-ipv6.ts'

const backends: readonly SuiteBackend[] = [
  { name: 'nftables', open: (options) => openNftablesBackend({ ...options, log: silentLog }) },
]

const columns: Column[] = []
for (const backend of backends) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    await using lanes = new Lanes(backend, family)
    const results = new Map<string, string>()
    const waiting = [...packetCases]
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const own = caseOf(family, next)
        results.set(next.name, own && !whyNot(own) ? await lanes.run(own).then(() => 'pass', failure) : '–')
      }
    }
    await Promise.all(Array.from({ length: laneCount }, work))
    const passed = [...results.values()].filter((result) => result === 'pass').length
    console.log(`${backend.name}, ${family}: ${passed} of ${packetCases.length} pass`)
    columns.push({ name: `${backend.name}, ${family}`, results })
  }
}
writeFileSync(new URL('../docs/truth-table.md', import.meta.url), renderTruthTable(packetCases, rowGroups, columns))

function failure(error: unknown): string {
  console.error(error)
  return 'FAIL'
}
