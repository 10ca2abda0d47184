/**
 * The decision table of a Service proxy, row by row: who asks which front end under which policy, and what becomes of
 * the connection. `cases/decisions.ts` crosses it with states of endpoints; a row that no case meets fails the suite.
 */
import type { Protocol } from '../backend.ts'

export const frontEnds = ['ClusterIP', 'NodePort', 'externalIP', 'LB-VIP'] as const
export type FrontEnd = (typeof frontEnds)[number]
export const policies = ['Cluster', 'Local'] as const
export type Policy = (typeof policies)[number]

/** How the node that decides sees the client: one of its own pods, itself (also hostNetwork pods), anything else. */
export type Source = 'pod' | 'node' | 'outside'

/** `none`: nobody serves anywhere. `some`: somebody does. `L`, `no L`: and this node has, or has not, such a one. */
export type Condition = 'none' | 'some' | 'L' | 'no L'

export type Result =
  | 'refused'
  | 'dropped'
  /** To list C (everywhere) or L (this node); the endpoint sees the client, or the node that decided. */
  | { readonly list: 'C' | 'L'; readonly source: 'kept' | 'node' }

export interface Decision {
  readonly fronts: readonly FrontEnd[]
  readonly policies: readonly Policy[]
  readonly when: Condition
  readonly sources: readonly Source[]
  readonly result: Result
}

const outsideFronts = ['NodePort', 'externalIP', 'LB-VIP'] as const
const everybody = ['pod', 'node', 'outside'] as const

export const decisions: readonly Decision[] = [
  { fronts: frontEnds, policies, when: 'none', sources: everybody, result: 'refused' },
  {
    fronts: ['ClusterIP'],
    policies: ['Cluster'],
    when: 'some',
    sources: ['pod'],
    result: { list: 'C', source: 'kept' },
  },
  {
    fronts: ['ClusterIP'],
    policies: ['Cluster'],
    when: 'some',
    sources: ['node', 'outside'],
    result: { list: 'C', source: 'node' },
  },
  { fronts: ['ClusterIP'], policies: ['Local'], when: 'no L', sources: everybody, result: 'dropped' },
  { fronts: ['ClusterIP'], policies: ['Local'], when: 'L', sources: ['pod'], result: { list: 'L', source: 'kept' } },
  {
    fronts: ['ClusterIP'],
    policies: ['Local'],
    when: 'L',
    sources: ['node', 'outside'],
    result: { list: 'L', source: 'node' },
  },
  {
    fronts: outsideFronts,
    policies: ['Cluster'],
    when: 'some',
    sources: everybody,
    result: { list: 'C', source: 'node' },
  },
  { fronts: outsideFronts, policies: ['Local'], when: 'some', sources: ['pod'], result: { list: 'C', source: 'kept' } },
  {
    fronts: outsideFronts,
    policies: ['Local'],
    when: 'some',
    sources: ['node'],
    result: { list: 'C', source: 'node' },
  },
  {
    fronts: outsideFronts,
    policies: ['Local'],
    when: 'L',
    sources: ['outside'],
    result: { list: 'L', source: 'kept' },
  },
  { fronts: outsideFronts, policies: ['Local'], when: 'no L', sources: ['outside'], result: 'dropped' },
]

export interface Situation {
  readonly front: FrontEnd
  readonly policy: Policy
  readonly source: Source
  /** Whether list C, and list L of the deciding node, have an endpoint. */
  readonly hasC: boolean
  readonly hasL: boolean
}

const holds: Readonly<Record<Condition, (situation: Situation) => boolean>> = {
  none: ({ hasC }) => !hasC,
  some: ({ hasC }) => hasC,
  L: ({ hasL }) => hasL,
  'no L': ({ hasC, hasL }) => hasC && !hasL,
}

/** The one row for a situation; that there is exactly one is checked by a test. */
export function matchDecision(situation: Situation): Decision {
  const found = decisionsFor(situation)[0]
  if (!found) throw new Error(`Cannot find a decision for ${JSON.stringify(situation)}`)
  return found
}

export const decisionsFor = (situation: Situation): Decision[] =>
  decisions.filter(
    ({ fronts, policies: among, when, sources }) =>
      fronts.includes(situation.front) &&
      among.includes(situation.policy) &&
      sources.includes(situation.source) &&
      holds[when](situation),
  )

export interface DecisionRow extends Pick<Situation, 'front' | 'policy' | 'source'> {
  readonly when: Condition
  readonly protocol: Protocol
}

/** The tag by which a case says that it met a row. */
export const decisionRow = ({ front, policy, when, source, protocol }: DecisionRow): string =>
  `decision: ${front}, ${policy}, ${when}, from ${source}, ${protocol}`

export const protocols = ['TCP', 'UDP', 'SCTP'] as const satisfies readonly Protocol[]
