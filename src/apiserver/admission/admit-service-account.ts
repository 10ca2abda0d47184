/** Gives each new pod its service account, and the volume with its token, the CA and the namespace. */
import { randomInt } from 'node:crypto'
import type { Kind } from '#api/kind.ts'
import { Pod } from '#api/pod.ts'
import { ServiceAccount } from '#api/service-account.ts'
import { forbidden } from '../api-errors.ts'
import type { ObjectStore } from '../objects/open-object-store.ts'
import type { Admission } from '../write/write.ts'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const nameLetters = 'bcdfghjklmnpqrstvwxz2456789'
const tokenSeconds = 3607
const readableByAll = 0o644

type PodSpec = Pod['spec']

export function admitServiceAccount(objects: () => ObjectStore): Admission {
  return ({ kind, operation, subresource, object }) => {
    if (kind.plural !== 'pods' || kind.group !== '' || operation !== 'create' || subresource !== undefined) return
    const pod = object as unknown as Pod
    const { spec, metadata } = pod
    spec.serviceAccountName ||= spec.serviceAccount || 'default'
    spec.serviceAccount = spec.serviceAccountName
    const name = spec.serviceAccountName
    const account = objects().get(ServiceAccount as unknown as Kind, metadata.namespace, name) as
      | ServiceAccount
      | undefined
    if (!account) {
      const where = `${metadata.namespace}/${name}`
      throw forbidden(
        Pod,
        metadata.name,
        `error looking up service account ${where}: serviceaccount "${name}" not found`,
      )
    }
    if (account.imagePullSecrets && !spec.imagePullSecrets?.length)
      spec.imagePullSecrets = [...account.imagePullSecrets]
    if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec)
  }
}

function mountToken(spec: PodSpec): void {
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  const bare = containers.filter(({ volumeMounts }) => !volumeMounts?.some((mount) => mount.mountPath === mountPath))
  if (bare.length === 0) return
  const name = `kube-api-access-${Array.from({ length: 5 }, () => nameLetters[randomInt(nameLetters.length)]).join('')}`
  for (const container of bare) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
  }
  const sources = [
    { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] },
    },
  ]
  spec.volumes = [...(spec.volumes ?? []), { name, projected: { sources, defaultMode: readableByAll } }]
}
