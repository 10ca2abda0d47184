/** Manifests for tests, as small as they may be. */
import type { DaemonSet } from '#api/daemon-set.ts'
import type { Deployment } from '#api/deployment.ts'
import type { Pod } from '#api/pod.ts'
import type { Service } from '#api/service.ts'
import type { StatefulSet } from '#api/stateful-set.ts'
import type { Draft } from '#client/contract.ts'

const labels = { app: 'web' }
const selector = { matchLabels: labels }

const template = (image: string) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'main', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
})

export function deployment(replicas: number, spec: Partial<Deployment['spec']> = {}, image = 'v1'): Draft<Deployment> {
  const metadata = { name: 'web', namespace: 'default' }
  return { metadata, spec: { replicas, selector, template: template(image), ...spec } }
}

export function statefulSet(replicas: number, spec: Partial<StatefulSet['spec']> = {}): Draft<StatefulSet> {
  const metadata = { name: 'db', namespace: 'default' }
  return { metadata, spec: { replicas, selector, serviceName: 'db-svc', template: template('v1'), ...spec } }
}

export function daemonSet(spec: Partial<DaemonSet['spec']> = {}): Draft<DaemonSet> {
  return { metadata: { name: 'agent', namespace: 'default' }, spec: { selector, template: template('v1'), ...spec } }
}

export function service(spec: Partial<Service['spec']> = {}, name = 'web'): Draft<Service> {
  const ports = [{ port: 80, targetPort: 'http' }]
  return { metadata: { name, namespace: 'default' }, spec: { selector: labels, ports, ...spec } }
}

export function pod(name: string, spec: Partial<Pod['spec']> = {}): Draft<Pod> {
  const containers = [{ name: 'main', image: 'v1' }]
  return { metadata: { name, namespace: 'default', labels }, spec: { containers, ...spec } }
}
