import { labelValueProblems, qualifiedNameProblems } from './check-name.ts'
import { forbiddenValue, invalidFor, invalidValue, requiredValue } from './findings.ts'
import type { Finding } from './kind.ts'
import type { LabelSelector, LabelSelectorRequirement } from './meta.ts'
import { validateLabels } from './validate-object-meta.ts'

export function validateLabelSelector(path: string, selector: LabelSelector | undefined): Finding[] {
  if (selector === undefined) return []
  return [
    ...validateLabels(`${path}.matchLabels`, selector.matchLabels),
    ...(selector.matchExpressions ?? []).flatMap((expression, index) =>
      validateExpression(`${path}.matchExpressions[${index}]`, expression),
    ),
  ]
}

function validateExpression(path: string, { key, operator, values = [] }: LabelSelectorRequirement): Finding[] {
  return [
    ...validateOperator(path, operator, values),
    ...invalidFor(`${path}.key`, key ?? '', qualifiedNameProblems(key ?? '')),
    ...values.flatMap((value, index) => invalidFor(`${path}.values[${index}]`, value, labelValueProblems(value))),
  ]
}

function validateOperator(path: string, operator: string, values: readonly string[]): Finding[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0
        ? []
        : [requiredValue(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
        ? []
        : [forbiddenValue(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
    default:
      return [invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator')]
  }
}
