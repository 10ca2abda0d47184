/** `frontdesk down`: removes a cluster and everything that it made. What is not there is fine. */
import { rmSync } from 'node:fs'
import { lockFile } from '#kernel/file-lock.ts'
import { removeTree } from '#kernel/remove-tree.ts'
import { removeFromKubeconfig } from './apply-kubeconfig.ts'
import type { CliContext } from './context.ts'
import { contextName } from './kubeconfig-entry.ts'
import { listClusterNames, readClusterRecord } from './open-cluster-records.ts'
import { stopCluster } from './run-cluster.ts'
import { checkClusterName, selectClusterName } from './select-cluster.ts'
import { type Home, selectClusterPaths, selectHome } from './select-cluster-paths.ts'

export async function down(context: CliContext, named: string | undefined, options: { all?: boolean }): Promise<void> {
  const home = selectHome(context.env, context.homeDir)
  const existing = listClusterNames(home)
  if (options.all) {
    for (const name of existing) await removeCluster(context, home, name)
    if (existing.length === 0) context.say('there are no clusters')
    return
  }
  await removeCluster(
    context,
    home,
    named === undefined ? selectClusterName(undefined, existing) : checkClusterName(named),
  )
}

async function removeCluster(context: CliContext, home: Home, name: string): Promise<void> {
  const paths = selectClusterPaths(home, name)
  using _lock = await lockFile(paths.lock, context.signal)
  const record = readClusterRecord(home, name)
  await stopCluster(paths, false)
  await removeTree(paths.dir)
  if (record?.kubeconfig) await removeFromKubeconfig(record.kubeconfig, contextName(name), record.formerContext)
  rmSync(paths.lock, { force: true })
  context.say(record ? `cluster ${name} is gone` : `there is no cluster ${name}`)
}
