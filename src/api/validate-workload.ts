/** Deployments, ReplicaSets, StatefulSets and DaemonSets: selector, template and how an update rolls out. */
import type { DaemonSet } from './daemon-set.ts'
import type { Deployment, DeploymentStrategy } from './deployment.ts'
import { dns1123LabelProblems } from './check-name.ts'
import {
  forbiddenValue,
  immutable,
  invalidValue,
  nonNegative,
  oneOfValues,
  requiredValue,
  sameValue,
  unsupportedValue,
} from './findings.ts'
import type { Finding, ValidationContext } from './kind.ts'
import type { KubeObject, LabelSelector } from './meta.ts'
import { matchLabelSelector } from './parse-selector.ts'
import type { PodTemplateSpec } from './pod-template.ts'
import type { ReplicaSet } from './replica-set.ts'
import type { StatefulSet } from './stateful-set.ts'
import { validateLabelSelector } from './validate-label-selector.ts'
import { validateAnnotations, validateLabels, validateObjectMeta } from './validate-object-meta.ts'
import { validatePodSpec } from './validate-pod-spec.ts'

interface Workload extends KubeObject {
  spec: { selector: LabelSelector; template: PodTemplateSpec; minReadySeconds?: number; revisionHistoryLimit?: number }
}

export function validateDeployment(object: Deployment, context: ValidationContext<Deployment>): Finding[] {
  if (context.subresource === 'status') return metadataOf(object, context)
  const { replicas, strategy, progressDeadlineSeconds, minReadySeconds = 0 } = object.spec
  const findings = [...validateWorkload(object, context), ...nonNegative('spec.replicas', replicas)]
  findings.push(...validateStrategy(strategy))
  findings.push(...nonNegative('spec.progressDeadlineSeconds', progressDeadlineSeconds))
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    const detail = 'must be greater than minReadySeconds'
    findings.push(invalidValue('spec.progressDeadlineSeconds', progressDeadlineSeconds, detail))
  }
  return findings
}

export function validateReplicaSet(object: ReplicaSet, context: ValidationContext<ReplicaSet>): Finding[] {
  if (context.subresource === 'status') return metadataOf(object, context)
  return [...validateWorkload(object, context), ...nonNegative('spec.replicas', object.spec.replicas)]
}

export function validateStatefulSet(object: StatefulSet, context: ValidationContext<StatefulSet>): Finding[] {
  if (context.subresource === 'status') return metadataOf(object, context)
  const { replicas, podManagementPolicy, updateStrategy, ordinals } = object.spec
  return [
    ...validateWorkload(object, context),
    ...nonNegative('spec.replicas', replicas),
    ...nonNegative('spec.ordinals.start', ordinals?.start),
    ...oneOfValues('spec.podManagementPolicy', podManagementPolicy, ['OrderedReady', 'Parallel']),
    ...oneOfValues('spec.updateStrategy.type', updateStrategy?.type, ['RollingUpdate', 'OnDelete']),
    ...nonNegative('spec.updateStrategy.rollingUpdate.partition', updateStrategy?.rollingUpdate?.partition),
    ...validateStatefulSetUpdate(object, context.before),
  ]
}

export function validateDaemonSet(object: DaemonSet, context: ValidationContext<DaemonSet>): Finding[] {
  if (context.subresource === 'status') return metadataOf(object, context)
  return [...validateWorkload(object, context), ...validateDaemonSetStrategy(object.spec.updateStrategy)]
}

function metadataOf<T extends KubeObject>(
  object: T,
  { before }: ValidationContext<T>,
  nameRule?: typeof dns1123LabelProblems,
): Finding[] {
  return validateObjectMeta(object.metadata, {
    namespaced: true,
    before: before?.metadata,
    ...(nameRule && { nameRule }),
  })
}

function validateWorkload<T extends Workload>(object: T, context: ValidationContext<T>): Finding[] {
  const { spec, kind } = object
  // Pods of a StatefulSet are named after it, and their names are host names.
  const nameRule = kind === 'StatefulSet' ? dns1123LabelProblems : undefined
  return [
    ...metadataOf(object, context, nameRule),
    ...validateSelector(spec.selector, spec.template, kind),
    ...validateTemplate(spec.template),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    // A StatefulSet has a rule of its own that covers the selector.
    ...(context.before === undefined || kind === 'StatefulSet'
      ? []
      : immutable('spec.selector', spec.selector, context.before.spec.selector)),
  ]
}

function validateSelector(selector: LabelSelector | undefined, template: PodTemplateSpec, kind: string): Finding[] {
  if (selector === undefined) return [requiredValue('spec.selector')]
  const findings = validateLabelSelector('spec.selector', selector)
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0
  if (isEmpty) {
    findings.push(
      invalidValue(
        'spec.selector',
        selector,
        `empty selector is invalid for ${emptySelectorNames[kind] ?? 'deployment'}`,
      ),
    )
  } else if (findings.length === 0 && !matchLabelSelector(selector)(template.metadata?.labels)) {
    const labels = template.metadata?.labels ?? null
    findings.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  return findings
}

/** Upstream says `deployment` for ReplicaSets too. */
const emptySelectorNames: Readonly<Record<string, string>> = { StatefulSet: 'statefulset', DaemonSet: 'daemonset' }

function validateTemplate(template: PodTemplateSpec): Finding[] {
  const { metadata, spec } = template
  const findings = [
    ...validateLabels('spec.template.labels', metadata?.labels),
    ...validateAnnotations('spec.template.annotations', metadata?.annotations),
    ...validatePodSpec('spec.template.spec', spec),
  ]
  if (spec.restartPolicy !== undefined && spec.restartPolicy !== 'Always') {
    findings.push(unsupportedValue('spec.template.spec.restartPolicy', spec.restartPolicy, ['Always']))
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    findings.push(
      forbiddenValue('spec.template.spec.activeDeadlineSeconds', 'may not be set on a pod template of this kind'),
    )
  }
  return findings
}

function validateStrategy(strategy: DeploymentStrategy | undefined): Finding[] {
  const path = 'spec.strategy'
  if (strategy?.type === 'Recreate' && strategy.rollingUpdate) {
    return [forbiddenValue(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
  }
  if (strategy?.type !== 'RollingUpdate')
    return oneOfValues(`${path}.type`, strategy?.type, ['Recreate', 'RollingUpdate'])
  if (strategy.rollingUpdate === undefined) {
    return [requiredValue(`${path}.rollingUpdate`, 'this should be defaulted and never be nil')]
  }
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate
  const findings = [
    ...validateShare(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable),
    ...validateShare(`${path}.rollingUpdate.maxSurge`, maxSurge),
  ]
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    findings.push(
      invalidValue(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    )
  }
  return [...findings, ...notMoreThanAll(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable)]
}

const isZero = (share: number | string) => share === 0 || share === '0%' || share === '0'

/** A count or a percentage. */
function validateShare(path: string, share: number | string): Finding[] {
  if (typeof share === 'number') return nonNegative(path, share)
  if (/^[0-9]+%$/.test(share)) return []
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
  return [invalidValue(path, share, detail)]
}

function notMoreThanAll(path: string, share: number | string): Finding[] {
  const isTooMuch = typeof share === 'string' && /^[0-9]+%$/.test(share) && Number(share.slice(0, -1)) > 100
  return isTooMuch ? [invalidValue(path, share, 'must not be greater than 100%')] : []
}

function validateDaemonSetStrategy(strategy: DaemonSet['spec']['updateStrategy']): Finding[] {
  const path = 'spec.updateStrategy'
  if (strategy?.type !== 'RollingUpdate')
    return oneOfValues(`${path}.type`, strategy?.type, ['RollingUpdate', 'OnDelete'])
  if (strategy.rollingUpdate === undefined) return [requiredValue(`${path}.rollingUpdate`)]
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate
  const sharePath = `${path}.rollingUpdate`
  const findings = [
    ...validateShare(`${sharePath}.maxUnavailable`, maxUnavailable),
    ...validateShare(`${sharePath}.maxSurge`, maxSurge),
    ...notMoreThanAll(`${sharePath}.maxUnavailable`, maxUnavailable),
    ...notMoreThanAll(`${sharePath}.maxSurge`, maxSurge),
  ]
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    findings.push(requiredValue(`${sharePath}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  } else if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    findings.push(invalidValue(`${sharePath}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  }
  return findings
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

function validateStatefulSetUpdate(object: StatefulSet, before: StatefulSet | undefined): Finding[] {
  if (before === undefined) return []
  const fixed = (spec: StatefulSet['spec']) => {
    const rest: Record<string, unknown> = { ...spec }
    for (const field of changeable) delete rest[field]
    return rest
  }
  if (sameValue(fixed(object.spec), fixed(before.spec))) return []
  const list = changeable.map((field) => `'${field}'`)
  const text = `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`
  return [forbiddenValue('spec', `updates to statefulset spec for fields other than ${text} are forbidden`)]
}
