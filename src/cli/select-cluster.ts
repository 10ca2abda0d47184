/** Which cluster a command means: the one named, else the only one there is, else the default name. */
import { CliError, exitCodes } from './cli-error.ts'
import { isClusterName } from './cluster-record.ts'

export const defaultClusterName = 'frontdesk'

export function checkClusterName(name: string): string {
  if (isClusterName(name)) return name
  throw new CliError(exitCodes.usage, `${JSON.stringify(name)} is not a cluster name`, {
    cause: 'a name is 1 to 30 lower-case letters, digits and dashes, beginning and ending with a letter or digit',
  })
}

export function selectClusterName(named: string | undefined, existing: readonly string[]): string {
  if (named !== undefined) return checkClusterName(named)
  return existing.length === 1 ? (existing[0] as string) : defaultClusterName
}

export function noSuchCluster(name: string): CliError {
  return new CliError(exitCodes.notFound, `there is no cluster ${name}`, {
    fix: `frontdesk up ${name}    (frontdesk ls shows the clusters there are)`,
  })
}
