/** Where an API server is and how to log in there; what a kubeconfig context comes down to. */
export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path prefix; `http://` works too (kubectl proxy). */
  readonly server: string
  /** PEM; absent: the system's authorities. */
  readonly ca?: string
  /** PEM */
  readonly clientCertificate?: string
  /** PEM */
  readonly clientKey?: string
  /** Asked for each request, as tokens in files change. */
  readonly token?: () => Promise<string>
  readonly basic?: { readonly username: string; readonly password: string }
  readonly skipTlsVerify?: boolean
  /** Name to expect in the certificate instead of the host of `server`. */
  readonly tlsServerName?: string
  /** Namespace of the context. */
  readonly namespace: string
}
