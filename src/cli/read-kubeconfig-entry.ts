/** Reads the cluster's own kubeconfig, which its control plane wrote, as the entry to merge elsewhere. */
import { existsSync, readFileSync } from 'node:fs'
import { CliError, exitCodes } from './cli-error.ts'
import type { KubeconfigEntry } from './kubeconfig-entry.ts'

interface OwnKubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }]
  users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }]
}

export function readKubeconfigEntry(file: string, context: string): KubeconfigEntry {
  if (!existsSync(file)) throw new CliError(exitCodes.failed, `the cluster has not written ${file}`)
  const config = JSON.parse(readFileSync(file, 'utf8')) as OwnKubeconfig
  const { cluster } = config.clusters[0]
  const { user } = config.users[0]
  return {
    context,
    server: cluster.server,
    caData: cluster['certificate-authority-data'],
    clientCertificateData: user['client-certificate-data'],
    clientKeyData: user['client-key-data'],
  }
}
