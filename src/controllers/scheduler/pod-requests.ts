/** What a pod asks of a node. Pure. */
import type { Pod } from '#api/pod.ts'
import { quantityValue } from '#api/check-quantity.ts'

/** By resource name; cpu in cores, memory in bytes, and one `pods` for the pod itself. */
export type Requests = Readonly<Record<string, number>>

type Container = Pod['spec']['containers'][number]

/**
 * Containers and sidecars run together; every init container runs beside the sidecars started before it, so the pod
 * needs the larger of the two sums.
 */
export function podRequests(pod: Pod): Requests {
  const { containers, initContainers = [], overhead } = pod.spec
  let sidecars: Requests = {}
  let starting: Requests = {}
  for (const container of initContainers) {
    const own = containerRequests(container)
    if (container.restartPolicy === 'Always') {
      sidecars = add(sidecars, own)
      starting = larger(starting, sidecars)
    } else starting = larger(starting, add(sidecars, own))
  }
  const running = containers.map(containerRequests).reduce(add, sidecars)
  return { ...add(larger(starting, running), quantities(overhead)), pods: 1 }
}

function containerRequests({ resources }: Container): Requests {
  return quantities({ ...resources?.limits, ...resources?.requests })
}

function quantities(values: Readonly<Record<string, string>> = {}): Requests {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, quantityValue(value)]))
}

function add(a: Requests, b: Requests): Requests {
  return combine(a, b, (left, right) => left + right)
}

function larger(a: Requests, b: Requests): Requests {
  return combine(a, b, Math.max)
}

function combine(a: Requests, b: Requests, merge: (left: number, right: number) => number): Requests {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...names].map((name) => [name, merge(a[name] ?? 0, b[name] ?? 0)]))
}

/** `protocol/address/port` for every port of the host that the pod takes. */
export function hostPorts(pod: Pod): string[] {
  return pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [`${protocol}/${!hostIP || hostIP === '::' ? '0.0.0.0' : hostIP}/${hostPort}`] : [],
    ),
  )
}

/** The wildcard address collides with every other. */
export function portsCollide(a: string, b: string): boolean {
  const [protocolA, ipA, portA] = a.split('/')
  const [protocolB, ipB, portB] = b.split('/')
  return protocolA === protocolB && portA === portB && (ipA === ipB || ipA === '0.0.0.0' || ipB === '0.0.0.0')
}
