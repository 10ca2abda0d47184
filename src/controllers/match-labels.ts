/** Label selectors against labels, as the API server itself reads them. Pure. */
import type { LabelSelector, LabelSelectorRequirement } from '#api/meta.ts'

export type Labels = Readonly<Record<string, string>>

/** A plain map of required labels (Service selectors, node selectors). The empty map matches everything. */
export function matchesLabels(selector: Labels, labels: Labels | undefined): boolean {
  for (const key in selector) if (labels?.[key] !== selector[key]) return false
  return true
}

/** Absent selector matches nothing, the empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (!selector) return false
  return (
    matchesLabels(selector.matchLabels ?? {}, labels) &&
    (selector.matchExpressions ?? []).every((requirement) => meetsRequirement(requirement, labels))
  )
}

function meetsRequirement({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels | undefined) {
  const value = labels?.[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}
