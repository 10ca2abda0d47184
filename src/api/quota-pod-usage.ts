/** What a pod uses of what a ResourceQuota can limit, and what it has to say for that. */
import type { Container } from './container.ts'
import type { Pod } from './pod.ts'
import { addQuantities, countOf, parseQuantity, type Quantity } from './quantity.ts'

export type Usage = ReadonlyMap<string, Quantity>

type Amounts = Readonly<Record<string, string>>
type Field = 'requests' | 'limits'

const computeResources = ['cpu', 'memory', 'ephemeral-storage']
const podNames = new Set(['pods', ...computeResources.flatMap((name) => [name, `requests.${name}`, `limits.${name}`])])
/** Those that every container has to give as soon as a quota limits them. */
const demanded = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory']

export function isPodResource(name: string): boolean {
  return podNames.has(name) || /^(requests\.)?hugepages-/.test(name) || isRequestOfExtended(name)
}

const isRequestOfExtended = (name: string): boolean => name.startsWith('requests.') && isExtended(name)

/** Resources that neither Kubernetes nor the kernel knows, such as `example.com/gpu`. */
const isExtended = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/')

/** Ended pods use nothing, and neither do those that should long be gone: their node may be lost. */
export function podUsage({ spec, status, metadata }: Pod, nowMs: number): Usage {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return new Map()
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata
  if (deletionTimestamp !== undefined && deletionGracePeriodSeconds !== undefined) {
    if (nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000) return new Map()
  }
  const requests = requestsByName(sumOf(spec, 'requests'))
  const limits = limitsByName(sumOf(spec, 'limits'))
  return new Map([['pods', countOf(1)], ...requests, ...limits])
}

function requestsByName(requests: Usage): [string, Quantity][] {
  return [...requests].flatMap(([name, amount]): [string, Quantity][] => {
    if (isExtended(name)) return [[`requests.${name}`, amount]]
    const isCounted = computeResources.includes(name) || name.startsWith('hugepages-')
    return isCounted
      ? [
          [name, amount],
          [`requests.${name}`, amount],
        ]
      : []
  })
}

function limitsByName(limits: Usage): [string, Quantity][] {
  return computeResources.flatMap((name) => {
    const amount = limits.get(name)
    return amount ? [[`limits.${name}`, amount] as [string, Quantity]] : []
  })
}

/**
 * Containers and sidecars run together; every init container runs beside the sidecars started before it: the larger
 * of the two sums counts. What is said for the pod as a whole counts instead of what its containers say.
 */
function sumOf({ containers, initContainers = [], overhead, resources }: Pod['spec'], field: Field): Usage {
  const own = (container: Container) => amountsOf(container.resources?.[field])
  let sidecars: Usage = new Map()
  let starting: Usage = new Map()
  for (const container of initContainers) {
    const beside = combine(sidecars, own(container), addQuantities)
    if (container.restartPolicy === 'Always') sidecars = beside
    starting = combine(starting, beside, larger)
  }
  const running = containers.reduce((sum, container) => combine(sum, own(container), addQuantities), sidecars)
  const needed = new Map([...combine(starting, running, larger), ...amountsOf(resources?.[field])])
  // What is not limited does not become so by what the pod needs besides.
  const extra = [...amountsOf(overhead)].filter(([name]) => field === 'requests' || needed.has(name))
  return combine(needed, new Map(extra), addQuantities)
}

const amountsOf = (amounts: Amounts = {}): Usage =>
  new Map(Object.entries(amounts).map(([name, text]) => [name, parseQuantity(text)]))

const larger = (a: Quantity, b: Quantity): Quantity => (b.nanos > a.nanos ? b : a)

function combine(a: Usage, b: Usage, merge: (a: Quantity, b: Quantity) => Quantity): Usage {
  const merged = new Map(a)
  for (const [name, amount] of b) {
    const other = merged.get(name)
    merged.set(name, other ? merge(other, amount) : amount)
  }
  return merged
}

/** Which of these names some container does not give, as Kubernetes tells it; undefined when nothing is missing. */
export function missingResources({ spec }: Pod, names: readonly string[]): string | undefined {
  if (spec.resources?.requests || spec.resources?.limits) return undefined
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  const missing = demanded.flatMap((name) => {
    const silent = names.includes(name) ? containers.filter((container) => !gives(container, name)) : []
    return silent.length > 0
      ? [`${name} for: ${[...new Set(silent.map((each) => each.name))].toSorted().join(',')}`]
      : []
  })
  return missing.length > 0 ? `must specify ${missing.join('; ')}` : undefined
}

function gives({ resources }: Container, name: string): boolean {
  const [field, resource] = name.includes('.') ? (name.split('.') as [Field, string]) : (['requests', name] as const)
  return resources?.[field]?.[resource] !== undefined
}
