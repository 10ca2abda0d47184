/** A plan is a sequence of units. */
import type { ListShape } from './desired-list-chains.ts'
import type { Element } from './elements.ts'

/** Changes that must happen in one transaction. `removes` come first. */
export interface PlanUnit {
  readonly removes: readonly Element[]
  readonly adds: readonly Element[]
  /** Chains that must exist before, and that this planner has not asked for yet. */
  readonly chains?: readonly ListShape[]
}

/** A unit being filled. */
export interface OpenUnit extends PlanUnit {
  readonly removes: Element[]
  readonly adds: Element[]
  chains?: ListShape[]
}

/** Units of about so many elements hold several service ports: fewer and longer arrays are less work. */
export const unitLength = 500
