/** `frontdesk kubeconfig`: prints a cluster's kubeconfig, or merges it into a file. */
import { readFileSync } from 'node:fs'
import { addToKubeconfig, selectKubeconfigFile } from './apply-kubeconfig.ts'
import type { CliContext } from './context.ts'
import { contextName } from './kubeconfig-entry.ts'
import { listClusterNames, readClusterRecord, writeClusterRecord } from './open-cluster-records.ts'
import { readKubeconfigEntry } from './read-kubeconfig-entry.ts'
import { noSuchCluster, selectClusterName } from './select-cluster.ts'
import { selectClusterPaths, selectHome } from './select-cluster-paths.ts'

export interface KubeconfigOptions {
  readonly merge?: boolean
  readonly switch?: boolean
  readonly kubeconfig?: string
}

export async function kubeconfig(
  context: CliContext,
  named: string | undefined,
  options: KubeconfigOptions,
): Promise<void> {
  const home = selectHome(context.env, context.homeDir)
  const name = selectClusterName(named, listClusterNames(home))
  const record = readClusterRecord(home, name)
  if (!record) throw noSuchCluster(name)
  const paths = selectClusterPaths(home, name)
  if (!options.merge && options.kubeconfig === undefined) {
    context.print(readFileSync(paths.kubeconfig, 'utf8').trimEnd())
    return
  }
  const file = options.kubeconfig ?? selectKubeconfigFile(context.env, context.homeDir)
  const entry = readKubeconfigEntry(paths.kubeconfig, contextName(name))
  const change = await addToKubeconfig(file, entry, options.switch === true)
  writeClusterRecord(home, {
    ...record,
    kubeconfig: file,
    ...(change.switched && change.before && { formerContext: change.before }),
  })
  context.say(`context ${contextName(name)} is in ${file}${change.switched ? ' and is current' : ''}`)
}
