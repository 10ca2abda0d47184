/** A kubeconfig for one user of one cluster, as a value: JSON is YAML too. */
import type { KeyPair } from './issue-certificate.ts'

export interface KubeconfigRequest {
  /** Of context, cluster and user alike: `frontdesk-NAME`. */
  readonly name: string
  readonly server: string
  readonly caCertificate: string
  readonly user: KeyPair
}

export function renderKubeconfig({ name, server, caCertificate, user }: KubeconfigRequest) {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(caCertificate) } }],
    users: [
      {
        name,
        user: { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    preferences: {},
  }
}

const base64 = (pem: string): string => btoa(pem)
