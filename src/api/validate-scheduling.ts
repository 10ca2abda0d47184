/** Tolerations, taints and topology spread. */
import type { Toleration, TopologySpreadConstraint } from './affinity.ts'
import { labelValueProblems, qualifiedNameProblems } from './check-name.ts'
import { duplicateValue, invalidFor, invalidValue, oneOfValues, requiredValue } from './findings.ts'
import type { Finding } from './kind.ts'
import type { Taint } from './node.ts'
import { validateLabelSelector } from './validate-label-selector.ts'

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const

export function validateTolerations(path: string, tolerations: readonly Toleration[]): Finding[] {
  return tolerations.flatMap((toleration, index) => validateToleration(`${path}[${index}]`, toleration))
}

function validateToleration(path: string, toleration: Toleration): Finding[] {
  const { key = '', operator = 'Equal', value = '', effect, tolerationSeconds } = toleration
  const findings = key === '' ? [] : invalidFor(`${path}.key`, key, qualifiedNameProblems(key))
  if (key === '' && operator !== 'Exists') {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
    findings.push(invalidValue(`${path}.operator`, operator, detail))
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    findings.push(
      invalidValue(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    )
  }
  if (operator === 'Exists' && value !== '') {
    findings.push(invalidValue(`${path}.operator`, toleration, "value must be empty when `operator` is 'Exists'"))
  } else if (operator === 'Equal') {
    findings.push(...invalidFor(`${path}.operator`, value, labelValueProblems(value)))
  }
  findings.push(...oneOfValues(`${path}.operator`, operator, ['Equal', 'Exists', 'Lt', 'Gt']))
  return effect ? [...findings, ...oneOfValues(`${path}.effect`, effect, effects)] : findings
}

export function validateTaints(path: string, taints: readonly Taint[]): Finding[] {
  const keys = taints.map(({ key, effect }) => `${key}:${effect}`)
  return taints.flatMap((taint, index) => {
    const itemPath = `${path}[${index}]`
    const { key, value = '', effect } = taint
    return [
      ...invalidFor(`${itemPath}.key`, key, qualifiedNameProblems(key)),
      ...invalidFor(`${itemPath}.value`, value, labelValueProblems(value)),
      ...(effect ? oneOfValues(`${itemPath}.effect`, effect, effects) : [requiredValue(`${itemPath}.effect`)]),
      ...(keys.indexOf(`${key}:${effect}`) < index ? [duplicateValue(itemPath, taint)] : []),
    ]
  })
}

export function validateTopologySpread(path: string, constraints: readonly TopologySpreadConstraint[]): Finding[] {
  const keys = constraints.map(({ topologyKey, whenUnsatisfiable }) => `{${topologyKey}, ${whenUnsatisfiable}}`)
  return constraints.flatMap((constraint, index) => {
    const itemPath = `${path}[${index}]`
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains, labelSelector } = constraint
    const key = keys[index] ?? ''
    return [
      ...(maxSkew > 0 ? [] : [invalidValue(`${itemPath}.maxSkew`, maxSkew, 'must be greater than zero')]),
      ...(topologyKey ? [] : [requiredValue(`${itemPath}.topologyKey`, 'can not be empty')]),
      ...oneOfValues(`${itemPath}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']),
      ...(keys.indexOf(key) < index ? [duplicateValue(`${itemPath}.{topologyKey, whenUnsatisfiable}`, key)] : []),
      ...(minDomains !== undefined && minDomains <= 0
        ? [invalidValue(`${itemPath}.minDomains`, minDomains, 'must be greater than zero')]
        : []),
      ...validateLabelSelector(`${itemPath}.labelSelector`, labelSelector),
    ]
  })
}
