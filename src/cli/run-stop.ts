/** `frontdesk stop` and `start`: everything but the state on disk goes, and comes back with the same addresses. */
import { lockFile } from '#kernel/file-lock.ts'
import type { CliContext } from './context.ts'
import { listClusterNames, readClusterRecord } from './open-cluster-records.ts'
import { stopCluster } from './run-cluster.ts'
import { noSuchCluster, selectClusterName } from './select-cluster.ts'
import { selectClusterPaths, selectHome } from './select-cluster-paths.ts'
import { runUp, type UpOptions } from './run-up.ts'

export async function stop(context: CliContext, named: string | undefined): Promise<void> {
  const name = existingName(context, named)
  const paths = selectClusterPaths(selectHome(context.env, context.homeDir), name)
  using _lock = await lockFile(paths.lock, context.signal)
  await stopCluster(paths, true)
  context.say(`cluster ${name} is stopped    start: frontdesk start ${name}`)
}

export async function start(context: CliContext, named: string | undefined, options: UpOptions): Promise<void> {
  await runUp(context, existingName(context, named), options)
}

function existingName(context: CliContext, named: string | undefined): string {
  const home = selectHome(context.env, context.homeDir)
  const name = selectClusterName(named, listClusterNames(home))
  if (!readClusterRecord(home, name)) throw noSuchCluster(name)
  return name
}
