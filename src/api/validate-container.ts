import { quantityProblems, quantityValue } from './check-quantity.ts'
import {
  configKeyProblems,
  dns1123LabelProblems,
  envVarNameProblems,
  portNameProblems,
  portNumberProblems,
} from './check-name.ts'
import type { Container, ContainerPort, VolumeMount } from './container.ts'
import type { EnvFromSource, EnvVar, EnvVarSource } from './env.ts'
import {
  duplicateValue,
  forbiddenValue,
  invalidFor,
  invalidValue,
  notFoundValue,
  oneOfValues,
  requiredValue,
} from './findings.ts'
import type { Finding } from './kind.ts'
import type { ResourceRequirements } from './resources.ts'
import { validateLifecycle, validateProbe } from './validate-probe.ts'

export interface ContainerRules {
  readonly volumeNames: ReadonlySet<string>
  readonly hostNetwork: boolean
}

const pullPolicies = ['Always', 'IfNotPresent', 'Never'] as const

/** What init containers and others share. */
export function validateContainer(path: string, container: Container, rules: ContainerRules): Finding[] {
  const { name, image = '', imagePullPolicy, restartPolicy } = container
  return [
    ...(name ? invalidFor(`${path}.name`, name, dns1123LabelProblems(name)) : [requiredValue(`${path}.name`)]),
    ...validateImage(`${path}.image`, image),
    ...(imagePullPolicy
      ? oneOfValues(`${path}.imagePullPolicy`, imagePullPolicy, pullPolicies)
      : [requiredValue(`${path}.imagePullPolicy`)]),
    ...oneOfValues(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      'File',
      'FallbackToLogsOnError',
    ]),
    ...oneOfValues(`${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']),
    ...validatePorts(`${path}.ports`, container.ports ?? [], rules),
    ...validateEnv(`${path}.env`, container.env ?? []),
    ...validateEnvFrom(`${path}.envFrom`, container.envFrom ?? []),
    ...validateMounts(`${path}.volumeMounts`, container.volumeMounts ?? [], rules),
    ...validateResources(`${path}.resources`, container.resources),
    ...validateProbe(`${path}.livenessProbe`, 'livenessProbe', container.livenessProbe),
    ...validateProbe(`${path}.readinessProbe`, 'readinessProbe', container.readinessProbe),
    ...validateProbe(`${path}.startupProbe`, 'startupProbe', container.startupProbe),
    ...validateLifecycle(`${path}.lifecycle`, container.lifecycle),
  ]
}

function validateImage(path: string, image: string): Finding[] {
  if (image === '') return [requiredValue(path)]
  return image === image.trim() ? [] : [invalidValue(path, image, 'must not have leading or trailing whitespace')]
}

function validatePorts(path: string, ports: readonly ContainerPort[], { hostNetwork }: ContainerRules): Finding[] {
  const names = ports.map((port) => port.name ?? '')
  return ports.flatMap((port, index) => {
    const itemPath = `${path}[${index}]`
    const name = names[index] ?? ''
    return [
      ...(name === '' ? [] : invalidFor(`${itemPath}.name`, name, portNameProblems(name))),
      ...(name !== '' && names.indexOf(name) < index ? [duplicateValue(`${itemPath}.name`, name)] : []),
      ...validatePortNumbers(itemPath, port, hostNetwork),
      ...oneOfValues(`${itemPath}.protocol`, port.protocol ?? 'TCP', ['TCP', 'UDP', 'SCTP']),
    ]
  })
}

function validatePortNumbers(
  path: string,
  { containerPort, hostPort }: ContainerPort,
  hostNetwork: boolean,
): Finding[] {
  const findings: Finding[] = []
  if (!containerPort) findings.push(requiredValue(`${path}.containerPort`))
  else findings.push(...invalidFor(`${path}.containerPort`, containerPort, portNumberProblems(containerPort)))
  if (hostPort) findings.push(...invalidFor(`${path}.hostPort`, hostPort, portNumberProblems(hostPort)))
  if (hostNetwork && hostPort && hostPort !== containerPort) {
    findings.push(invalidValue(`${path}.hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true'))
  }
  return findings
}

function validateEnv(path: string, env: readonly EnvVar[]): Finding[] {
  return env.flatMap(({ name, value = '', valueFrom }, index) => [
    ...(name
      ? invalidFor(`${path}[${index}].name`, name, envVarNameProblems(name))
      : [requiredValue(`${path}[${index}].name`)]),
    ...(valueFrom ? validateValueFrom(`${path}[${index}].valueFrom`, valueFrom, value) : []),
  ])
}

function validateValueFrom(path: string, source: EnvVarSource, value: string): Finding[] {
  const [first, ...more] = Object.keys(source)
  const findings: Finding[] = []
  if (first === undefined) {
    const detail =
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    findings.push(invalidValue(path, '', detail))
  } else if (value !== '') {
    findings.push(invalidValue(path, '', 'may not be specified when `value` is not empty'))
  }
  if (more.length > 0) findings.push(invalidValue(path, '', 'may not have more than one field specified at a time'))
  if (source.fieldRef && !source.fieldRef.fieldPath) findings.push(requiredValue(`${path}.fieldRef.fieldPath`))
  for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[kind]
    if (reference === undefined) continue
    if (!reference.name) findings.push(requiredValue(`${path}.${kind}.name`))
    if (!reference.key) findings.push(requiredValue(`${path}.${kind}.key`))
    else findings.push(...invalidFor(`${path}.${kind}.key`, reference.key, configKeyProblems(reference.key)))
  }
  return findings
}

function validateEnvFrom(path: string, sources: readonly EnvFromSource[]): Finding[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, index) => {
    const itemPath = `${path}[${index}]`
    const findings = prefix ? invalidFor(`${itemPath}.prefix`, prefix, envVarNameProblems(prefix)) : []
    if (configMapRef && !configMapRef.name) findings.push(requiredValue(`${itemPath}.configMapRef.name`))
    if (secretRef && !secretRef.name) findings.push(requiredValue(`${itemPath}.secretRef.name`))
    if (!configMapRef && !secretRef) {
      findings.push(invalidValue(itemPath, '', 'must specify one of: `configMapRef` or `secretRef`'))
    } else if (configMapRef && secretRef) {
      findings.push(invalidValue(itemPath, '', 'may not have more than one field specified at a time'))
    }
    return findings
  })
}

function validateMounts(path: string, mounts: readonly VolumeMount[], { volumeNames }: ContainerRules): Finding[] {
  const targets = mounts.map((mount) => mount.mountPath)
  return mounts.flatMap(({ name, mountPath, subPath = '', subPathExpr = '' }, index) => {
    const itemPath = `${path}[${index}]`
    const findings: Finding[] = []
    if (!name) findings.push(requiredValue(`${itemPath}.name`))
    else if (!volumeNames.has(name)) findings.push(notFoundValue(`${itemPath}.name`, name))
    if (!mountPath) findings.push(requiredValue(`${itemPath}.mountPath`))
    else if (targets.indexOf(mountPath) < index) {
      findings.push(invalidValue(`${itemPath}.mountPath`, mountPath, 'must be unique'))
    }
    for (const [field, value] of [
      ['subPath', subPath],
      ['subPathExpr', subPathExpr],
    ] as const) {
      if (value.startsWith('/')) findings.push(invalidValue(`${itemPath}.${field}`, value, 'must be a relative path'))
      else if (value.split('/').includes('..'))
        findings.push(invalidValue(`${itemPath}.${field}`, value, "must not contain '..'"))
    }
    if (subPath !== '' && subPathExpr !== '') {
      findings.push(
        invalidValue(`${itemPath}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
      )
    }
    return findings
  })
}

function validateResources(path: string, resources: ResourceRequirements | undefined): Finding[] {
  const { limits = {}, requests = {} } = resources ?? {}
  return [
    ...Object.entries(limits).flatMap(([name, amount]) => validateAmount(`${path}.limits[${name}]`, amount)),
    ...Object.entries(requests).flatMap(([name, amount]) => [
      ...validateAmount(`${path}.requests[${name}]`, amount),
      ...validateAgainstLimit(`${path}.requests`, name, amount, limits[name]),
    ]),
  ]
}

function validateAmount(path: string, amount: string): Finding[] {
  const problems = quantityProblems(amount)
  if (problems.length > 0) return invalidFor(path, amount, problems)
  return quantityValue(amount) < 0 ? [invalidValue(path, amount, 'must be greater than or equal to 0')] : []
}

function validateAgainstLimit(path: string, name: string, amount: string, limit: string | undefined): Finding[] {
  if (limit === undefined || !(quantityValue(amount) > quantityValue(limit))) return []
  return [invalidValue(path, amount, `must be less than or equal to ${name} limit of ${limit}`)]
}

/** Init containers end before the others start, unless they always restart: then they run beside them. */
export function validateInitContainer(path: string, container: Container): Finding[] {
  if (container.restartPolicy === 'Always') return []
  const fields = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const
  return fields
    .filter((field) => container[field] !== undefined)
    .map((field) =>
      forbiddenValue(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'),
    )
}
