/** Everything a kubeconfig says of one cluster; credentials are embedded, in base64. */
export interface KubeconfigEntry {
  /** Name of the context, the cluster and the user. */
  readonly context: string
  readonly server: string
  readonly caData: string
  readonly clientCertificateData: string
  readonly clientKeyData: string
}

export function contextName(cluster: string): string {
  return `frontdesk-${cluster}`
}
