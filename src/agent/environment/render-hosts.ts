/** A pod's /etc/hosts and host name. */
import type { Pod } from '#api/pod.ts'

const maxHostnameLength = 63

export function podHostname(pod: Pod): string {
  const name = pod.spec.hostnameOverride ?? pod.spec.hostname ?? pod.metadata.name
  return name.slice(0, maxHostnameLength).replace(/[-.]+$/, '')
}

/** What `hostname` prints in the pod. */
export function kernelHostname(pod: Pod, nodeName: string, clusterDomain: string): string {
  if (pod.spec.hostNetwork) return nodeName
  const domain = podDomain(pod, clusterDomain)
  return pod.spec.setHostnameAsFQDN && domain ? `${podHostname(pod)}.${domain}` : podHostname(pod)
}

function podDomain(pod: Pod, clusterDomain: string): string | undefined {
  const { subdomain, hostnameOverride } = pod.spec
  if (!subdomain || hostnameOverride !== undefined) return undefined
  return `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`
}

export function renderHosts(pod: Pod, podIps: readonly string[], clusterDomain: string): string {
  const domain = podDomain(pod, clusterDomain)
  const hostname = podHostname(pod)
  const names = domain ? `${hostname}.${domain}\t${hostname}` : hostname
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'fe00::\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map((ip) => `${ip}\t${names}`),
    ...aliasLines(pod),
    '',
  ].join('\n')
}

/** For a pod in its node's network: the machine's own file, and the aliases. */
export function renderNodeHosts(pod: Pod, machineHosts: string): string {
  const lines = aliasLines(pod)
  return lines.length === 0 ? machineHosts : `${machineHosts.trimEnd()}\n${lines.join('\n')}\n`
}

function aliasLines(pod: Pod): string[] {
  const aliases = pod.spec.hostAliases ?? []
  if (aliases.length === 0) return []
  return [
    '',
    '# Entries added by HostAliases.',
    ...aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`),
  ]
}
