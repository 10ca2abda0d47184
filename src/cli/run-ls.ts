/** `frontdesk ls`: the clusters there are. */
import type { CliContext } from './context.ts'
import { contextName } from './kubeconfig-entry.ts'
import { listClusterNames, readClusterRecord } from './open-cluster-records.ts'
import { renderColumns } from './render-columns.ts'
import { findRole } from './run-cluster.ts'
import { type Home, selectClusterPaths, selectHome } from './select-cluster-paths.ts'

export type ClusterState = 'running' | 'stopped' | 'control-plane-down'

export function clusterState(home: Home, name: string): ClusterState {
  const paths = selectClusterPaths(home, name)
  if (!findRole(paths, 'holder')) return 'stopped'
  return findRole(paths, 'control-plane') ? 'running' : 'control-plane-down'
}

export function ls(context: CliContext, options: { output?: string }): void {
  const home = selectHome(context.env, context.homeDir)
  const clusters = listClusterNames(home).flatMap((name) => {
    const record = readClusterRecord(home, name)
    if (!record) return []
    const { nodes, apiPort } = record
    return [
      {
        name,
        state: clusterState(home, name),
        nodes,
        server: `https://127.0.0.1:${apiPort}`,
        context: contextName(name),
      },
    ]
  })
  if (options.output === 'json') {
    context.print(
      JSON.stringify({ apiVersion: 'frontdesk.dev/v1alpha1', kind: 'ClusterList', items: clusters }, null, 2),
    )
  } else if (options.output === 'name') {
    for (const { name } of clusters) context.print(name)
  } else {
    const rows = clusters.map(({ name, state, nodes, server, context: ctx }) => [
      name,
      state,
      String(nodes),
      server,
      ctx,
    ])
    context.print(renderColumns(['NAME', 'STATE', 'NODES', 'SERVER', 'CONTEXT'], rows))
  }
}
