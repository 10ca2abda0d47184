/** Probes and lifecycle hooks. */
import { portNameProblems, portNumberProblems } from './check-name.ts'
import { forbiddenValue, invalidFor, invalidValue, nonNegative, oneOfValues, requiredValue } from './findings.ts'
import type { Finding } from './kind.ts'
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from './probe.ts'

type ProbeKind = 'livenessProbe' | 'readinessProbe' | 'startupProbe'

export function validateProbe(path: string, kind: ProbeKind, probe: Probe | undefined): Finding[] {
  if (probe === undefined) return []
  const counts = [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const
  const findings = [
    ...validateHandler(path, probe),
    ...counts.flatMap((name) => nonNegative(`${path}.${name}`, probe[name])),
  ]
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace <= 0) {
    findings.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  }
  if (kind === 'readinessProbe') {
    if (grace !== undefined) {
      findings.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'))
    }
  } else if (probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    findings.push(invalidValue(`${path}.successThreshold`, probe.successThreshold, 'must be 1'))
  }
  return findings
}

export function validateLifecycle(path: string, lifecycle: Lifecycle | undefined): Finding[] {
  if (lifecycle === undefined) return []
  const hooks = ['postStart', 'preStop'] as const
  return hooks.flatMap((hook) => {
    const handler = lifecycle[hook]
    return handler === undefined ? [] : validateHandler(`${path}.${hook}`, handler)
  })
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>

/** Exactly one way to act. */
function validateHandler(path: string, handler: Handler): Finding[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  const findings: Finding[] = []
  const kinds = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(
    (kind) => handler[kind] !== undefined,
  )
  if (kinds.length === 0) findings.push(requiredValue(path, 'must specify a handler type'))
  for (const extra of kinds.slice(1)) {
    findings.push(forbiddenValue(`${path}.${extra}`, 'may not specify more than 1 handler type'))
  }
  if (exec && !exec.command?.length) findings.push(requiredValue(`${path}.exec.command`))
  if (httpGet) findings.push(...validateHttpGet(`${path}.httpGet`, httpGet))
  if (tcpSocket) findings.push(...validatePort(`${path}.tcpSocket.port`, tcpSocket.port))
  if (grpc) findings.push(...validatePort(`${path}.grpc.port`, grpc.port))
  if (sleep && sleep.seconds < 0) {
    findings.push(invalidValue(`${path}.sleep.seconds`, sleep.seconds, 'must be non-negative'))
  }
  return findings
}

function validateHttpGet(path: string, { path: urlPath, port, scheme, httpHeaders = [] }: HTTPGetAction): Finding[] {
  return [
    ...(urlPath ? [] : [requiredValue(`${path}.path`)]),
    ...validatePort(`${path}.port`, port),
    ...oneOfValues(`${path}.scheme`, scheme, ['HTTP', 'HTTPS']),
    ...httpHeaders.flatMap(({ name }) => invalidFor(`${path}.httpHeaders`, name, headerProblems(name))),
  ]
}

function headerProblems(name: string): string[] {
  if (/^[-A-Za-z0-9]+$/.test(name)) return []
  return [
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
  ]
}

function validatePort(path: string, port: number | string | undefined): Finding[] {
  const value = port ?? 0
  return invalidFor(path, value, typeof value === 'number' ? portNumberProblems(value) : portNameProblems(value))
}
