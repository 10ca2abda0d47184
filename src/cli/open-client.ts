/** A client for a cluster of this machine, by the kubeconfig that its control plane wrote. */
import type { Client } from '#client/contract.ts'
import { createClient } from '#client/create-client.ts'
import { httpsTransport } from '#client/https-transport.ts'
import { readKubeconfig } from '#client/read-kubeconfig.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { ClusterRecord } from './cluster-record.ts'
import type { CliContext } from './context.ts'
import { listClusterNames, readClusterRecord } from './open-cluster-records.ts'
import { findRole } from './run-cluster.ts'
import { noSuchCluster, selectClusterName } from './select-cluster.ts'
import { type ClusterPaths, selectClusterPaths, selectHome } from './select-cluster-paths.ts'

export interface OpenCluster extends AsyncDisposable {
  readonly client: Client
  readonly record: ClusterRecord
  readonly paths: ClusterPaths
}

/** Throws CliError when there is no such cluster or its control plane does not run. */
export async function openCluster(context: CliContext, named: string | undefined): Promise<OpenCluster> {
  const home = selectHome(context.env, context.homeDir)
  const name = selectClusterName(named ?? context.env['FRONTDESK_CLUSTER'], listClusterNames(home))
  const record = readClusterRecord(home, name)
  if (!record) throw noSuchCluster(name)
  const paths = selectClusterPaths(home, name)
  if (!findRole(paths, 'control-plane')) {
    throw new CliError(exitCodes.failed, `the control plane of cluster ${name} does not run`, {
      fix: `frontdesk up ${name}`,
    })
  }
  const transport = httpsTransport(await readKubeconfig({ paths: [paths.kubeconfig] }))
  return {
    client: createClient({ transport, userAgent: 'frontdesk-cli' }),
    record,
    paths,
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}
