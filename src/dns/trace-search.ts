/** How a resolver goes along its search path, question by question (resolv.conf(5), as glibc does it). */
import { type DnsMessage, rcodes, recordTypes, type ResourceRecord } from './message.ts'

export interface TraceOptions {
  readonly searches: readonly string[]
  readonly ndots: number
}

export interface TraceStep {
  readonly name: string
  readonly type: 'A' | 'AAAA'
  /** Undefined: nobody answered. */
  readonly rcode: string | undefined
  /** As in a zone file: `name type data`. */
  readonly answers: readonly string[]
  readonly micros: number
}

export interface Trace {
  readonly steps: readonly TraceStep[]
  /** The name at which the search ended; undefined: nowhere. */
  readonly found: string | undefined
}

export interface Asked {
  readonly response: DnsMessage | undefined
  readonly micros: number
}

/** `ask` is called with one question at a time, so that what each costs is seen. */
export async function traceSearch(
  name: string,
  options: TraceOptions,
  ask: (name: string, type: number) => Promise<Asked>,
): Promise<Trace> {
  const steps: TraceStep[] = []
  for (const candidate of searchCandidates(name, options)) {
    let hasAddress = false
    for (const type of ['A', 'AAAA'] as const) {
      const { response, micros } = await ask(candidate, recordTypes[type])
      const answers = response?.answers ?? []
      steps.push({
        name: candidate,
        type,
        rcode: response && rcodeName(response.rcode),
        answers: answers.map(show),
        micros,
      })
      hasAddress ||= answers.some((record) => record.type === type)
    }
    if (hasAddress) return { steps, found: candidate }
  }
  return { steps, found: undefined }
}

/** A final dot, or enough of them within, and the name is asked for as it is first. */
export function searchCandidates(name: string, { searches, ndots }: TraceOptions): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  // the domain `.` is the root
  const searched = searches.map((domain) => (domain === '.' ? name : `${name}.${domain.replace(/\.$/, '')}`))
  return [...new Set(name.split('.').length - 1 >= ndots ? [name, ...searched] : [...searched, name])]
}

function rcodeName(code: number): string {
  return Object.entries(rcodes).find(([, known]) => known === code)?.[0] ?? `RCODE${code}`
}

function show(record: ResourceRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return `${record.name} ${record.type} ${record.address}`
    case 'CNAME':
      return `${record.name} CNAME ${record.target}`
    default:
      return `${record.name} ${record.type}`
  }
}
