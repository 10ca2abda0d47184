/** Which container a stream is for, and with what options, from the pod and the query. */
import type { Pod } from '#api/pod.ts'
import type { ExecOptions } from '#api/pod-streams.ts'
import { badRequest } from '../api-errors.ts'
import { isTrue } from '../request/parse-request-info.ts'

export interface ExecPlan {
  readonly container: string
  readonly command: readonly string[]
  readonly options: ExecOptions
}

/** Throws 400 with Kubernetes' own words for what cannot be done. */
export function planExec(pod: Pod, query: URLSearchParams, what: 'exec' | 'attach'): ExecPlan {
  const flag = (name: string): boolean => isTrue(query.get(name))
  const tty = flag('tty')
  const options = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr') && !tty, tty }
  const command = query.getAll('command')
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
  }
  if (what === 'exec' && command.length === 0) {
    throw badRequest('you must specify at least 1 command for the container')
  }
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') {
    const verb = what === 'exec' ? 'exec into' : 'attach to'
    throw badRequest(`cannot ${verb} a container in a completed pod; current phase is ${phase}`)
  }
  const container = selectContainer(pod, query.get('container'))
  requireHost(pod)
  return { container, command, options }
}

/** @param asked absent or empty: the only container there is */
export function selectContainer(pod: Pod, asked: string | null): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  const names = containers.map(({ name }) => name)
  const initNames = initContainers.map(({ name }) => name)
  const all = [...names, ...initNames, ...ephemeralContainers.map(({ name }) => name)]
  if (asked) {
    if (all.includes(asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`)
  }
  const [only, ...others] = names
  if (only !== undefined && others.length === 0) return only
  const choices = `choose one of: [${names.join(' ')}]`
  const initChoices = initNames.length > 0 ? ` or one of the init containers: [${initNames.join(' ')}]` : ''
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, ${choices}${initChoices}`)
}

export function requireHost(pod: Pod): void {
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
}
