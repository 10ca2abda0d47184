/** `frontdesk doctor`: tests the host by doing, names what is lost, and the one thing that mends it. */
import { runInNamespaces } from '#kernel/run-in-namespaces.ts'
import type { HostFinding } from '#lib/host-finding.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CliContext } from './context.ts'

export async function doctor(context: CliContext, options: { output?: string }): Promise<void> {
  const findings = await examineHost(context)
  const able = findings.every(({ result }) => result !== 'missing')
  if (options.output === 'json') {
    context.print(JSON.stringify({ apiVersion: 'frontdesk.dev/v1alpha1', kind: 'HostReport', able, findings }, null, 2))
  } else {
    context.print(findings.map((finding) => renderFinding(finding)).join('\n'))
    context.print(able ? '\nfrontdesk works on this host.' : '\nfrontdesk does not work on this host.')
  }
  if (!able)
    throw new CliError(exitCodes.answerIsNo, 'this host lacks something that a cluster needs', {
      fix: 'see the lines marked ✗',
    })
}

export async function examineHost(context: CliContext): Promise<HostFinding[]> {
  const trial = await runInNamespaces([context.nodePath, context.programs.hostProbe])
  if (trial.exitCode !== 0) return [namespacesRefused(trial.stderr.trim().split('\n')[0] ?? '')]
  const namespaces: HostFinding = {
    group: 'needed',
    check: 'namespaces',
    result: 'ok',
    detail: describeUser(context.uid),
  }
  return [namespaces, ...(JSON.parse(trial.stdout) as HostFinding[])]
}

function describeUser(uid: number): string {
  return uid === 0 ? 'own namespaces as root' : 'own namespaces as an ordinary user'
}

function namespacesRefused(detail: string): HostFinding {
  return {
    group: 'needed',
    check: 'namespaces',
    result: 'missing',
    detail,
    lost: 'there can be no cluster',
    fix:
      'allow user namespaces for ordinary users (Ubuntu 24.04: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; ' +
      'Debian 10: sudo sysctl -w kernel.unprivileged_userns_clone=1), or run as root',
  }
}

export function renderFinding({ check, result, detail, lost, fix }: HostFinding): string {
  const mark = { ok: '✓', degraded: '!', missing: '✗' }[result]
  const head = `${mark} ${check.padEnd(12)} ${detail}`
  if (result === 'ok') return head
  return [head, ...(lost ? [`    lost  ${lost}`] : []), ...(fix ? [`    fix   ${fix}`] : [])].join('\n')
}
