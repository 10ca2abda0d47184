/** How existing EndpointSlices become the desired ones with the fewest writes. Pure. */
import type { Endpoint, EndpointPort, EndpointSlice } from '#api/endpoint-slice.ts'
import { triggerTimeAnnotation } from '#api/endpoint-slice.ts'
import type { Draft } from '#client/contract.ts'
import type { IpFamily } from '#lib/ip.ts'
import { isEqualJson } from '../compare-values.ts'
import { portsKey } from './desired-endpoints.ts'
import type { DesiredEndpoints, PortGroup } from './desired-endpoints.ts'
import { endpointKey } from './endpoint-key.ts'

export interface SlicePlan {
  readonly create: Draft<EndpointSlice>[]
  readonly update: EndpointSlice[]
  readonly delete: EndpointSlice[]
}

/** What all slices of a Service have in common. */
export interface SliceIdentity {
  readonly namespace: string
  readonly generateName: string
  readonly labels: Readonly<Record<string, string>>
  readonly ownerReferences: NonNullable<EndpointSlice['metadata']['ownerReferences']>
  /** Value of the trigger time annotation; absent removes it from slices that are written. */
  readonly triggerTime?: string
}

export interface SliceInputs {
  readonly identity: SliceIdentity
  readonly existing: readonly EndpointSlice[]
  readonly desired: readonly DesiredEndpoints[]
  readonly maxEndpointsPerSlice?: number
}

/** A slice on its way: the stored object if there is one, and what it should hold. */
interface Draw {
  readonly from?: EndpointSlice
  readonly family: IpFamily
  readonly ports: readonly EndpointPort[]
  endpoints: Endpoint[]
}

interface Drawing {
  write: Draw[]
  keep: EndpointSlice[]
  remove: EndpointSlice[]
}

export function planSlices(inputs: SliceInputs): SlicePlan {
  const { identity, existing, desired } = inputs
  const families = new Set<string>(desired.map(({ family }) => family))
  const drawings = desired.map((wanted) => drawFamily(wanted, inputs))
  const remove = existing.filter((slice) => !families.has(slice.addressType))
  remove.push(...drawings.flatMap((drawing) => drawing.remove))
  return realize(
    drawings.flatMap((drawing) => drawing.write),
    remove,
    identity,
  )
}

function drawFamily({ family, groups }: DesiredEndpoints, inputs: SliceInputs): Drawing {
  const slices = inputs.existing.filter((slice) => slice.addressType === family)
  const byPorts = Map.groupBy(slices, (slice) => portsKey(slice.ports))
  const drawing: Drawing = { write: [], keep: [], remove: [] }
  for (const [key, group] of groups) drawGroup({ family, group, slices: byPorts.get(key) ?? [], inputs, drawing })
  for (const [key, unused] of byPorts) if (!groups.has(key)) drawing.remove.push(...unused)
  if (groups.size === 0) keepPlaceholder(family, inputs.identity, drawing)
  return drawing
}

/** A Service without pods has one empty slice, so that consumers can tell "none" from "not yet known". */
function keepPlaceholder(family: IpFamily, identity: SliceIdentity, drawing: Drawing): void {
  const placeholder = drawing.remove.find((slice) => isEmpty(slice))
  if (!placeholder) {
    drawing.write.push({ family, ports: [], endpoints: [] })
    return
  }
  drawing.remove = drawing.remove.filter((slice) => slice !== placeholder)
  if (!hasIdentity(placeholder, identity)) drawing.write.push({ from: placeholder, family, ports: [], endpoints: [] })
}

function isEmpty(slice: EndpointSlice): boolean {
  return (slice.endpoints ?? []).length === 0 && (slice.ports ?? []).length === 0
}

interface GroupInputs {
  readonly family: IpFamily
  readonly group: PortGroup
  readonly slices: readonly EndpointSlice[]
  readonly inputs: SliceInputs
  readonly drawing: Drawing
}

function drawGroup({ family, group, slices, inputs, drawing }: GroupInputs): void {
  const { identity, maxEndpointsPerSlice: max = 100 } = inputs
  const missing = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]))
  const written: Draw[] = []
  const kept: EndpointSlice[] = []
  for (const slice of slices) {
    const { endpoints, changed } = takeWanted(slice, missing)
    if (endpoints.length === 0) drawing.remove.push(slice)
    else if (changed || !hasIdentity(slice, identity))
      written.push({ from: slice, family, ports: group.ports, endpoints })
    else kept.push(slice)
  }
  const rest = fillWritten(written, [...missing.values()], max)
  while (rest.length > 0) {
    const roomy = rest.length < max ? bestFit(kept, rest.length, max) : undefined
    if (roomy) kept.splice(kept.indexOf(roomy), 1)
    const before = roomy ? { from: roomy } : {}
    const endpoints = [...(roomy?.endpoints ?? []), ...rest.splice(0, max)]
    written.push({ ...before, family, ports: group.ports, endpoints })
  }
  drawing.write.push(...written)
}

/** The slice's endpoints that are still wanted, as they should be now; takes them out of `missing`. */
function takeWanted(slice: EndpointSlice, missing: Map<string, Endpoint>): { endpoints: Endpoint[]; changed: boolean } {
  const before = slice.endpoints ?? []
  let changed = false
  const endpoints = before.flatMap((endpoint) => {
    const key = endpointKey(endpoint)
    const wanted = missing.get(key)
    missing.delete(key)
    if (!wanted) return []
    changed ||= !isSameEndpoint(wanted, endpoint)
    return [wanted]
  })
  return { endpoints, changed: changed || endpoints.length !== before.length }
}

/** Stored endpoints, and the wanted ones that they were found equal to. */
const knownEqual = new WeakMap<Endpoint, Endpoint>()

function isSameEndpoint(wanted: Endpoint, stored: Endpoint): boolean {
  if (knownEqual.get(stored) === wanted) return true
  const isSame = isEqualJson(wanted, stored)
  if (isSame) knownEqual.set(stored, wanted)
  return isSame
}

/** Slices that are written anyway take new endpoints first, the fullest one before others. Returns what is left. */
function fillWritten(written: Draw[], endpoints: Endpoint[], max: number): Endpoint[] {
  for (const draw of written.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    if (endpoints.length === 0) break
    draw.endpoints = [...draw.endpoints, ...endpoints.splice(0, Math.max(0, max - draw.endpoints.length))]
  }
  return endpoints
}

/** The fullest untouched slice that still has room for all. */
function bestFit(slices: readonly EndpointSlice[], count: number, max: number): EndpointSlice | undefined {
  const fitting = slices.filter((slice) => (slice.endpoints ?? []).length + count <= max)
  return fitting.toSorted((a, b) => (b.endpoints ?? []).length - (a.endpoints ?? []).length)[0]
}

function hasIdentity(slice: EndpointSlice, identity: SliceIdentity): boolean {
  return (
    isEqualJson(slice.metadata.labels ?? {}, identity.labels) &&
    identity.ownerReferences.every((owner) => slice.metadata.ownerReferences?.some(({ uid }) => uid === owner.uid))
  )
}

/** Slices that would be deleted are re-used for new ones of their family: one write instead of two. */
function realize(draws: readonly Draw[], unwanted: EndpointSlice[], identity: SliceIdentity): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], delete: [] }
  const spare = [...unwanted]
  for (const draw of draws) {
    const index = draw.from ? -1 : spare.findIndex((slice) => slice.addressType === draw.family)
    const from = draw.from ?? (index < 0 ? undefined : spare.splice(index, 1)[0])
    if (from) plan.update.push(rewriteSlice(from, draw, identity))
    else plan.create.push(newSlice(draw, identity))
  }
  plan.delete.push(...spare)
  return plan
}

function newSlice(draw: Draw, identity: SliceIdentity): Draft<EndpointSlice> {
  const { namespace, generateName, labels, ownerReferences, triggerTime } = identity
  const annotations = triggerTime && { annotations: { [triggerTimeAnnotation]: triggerTime } }
  return {
    metadata: { name: '', generateName, namespace, labels, ownerReferences, ...annotations },
    addressType: draw.family,
    endpoints: draw.endpoints,
    ports: [...draw.ports],
  }
}

function rewriteSlice(slice: EndpointSlice, draw: Draw, identity: SliceIdentity): EndpointSlice {
  const { [triggerTimeAnnotation]: _old, ...others } = slice.metadata.annotations ?? {}
  const annotations = identity.triggerTime ? { ...others, [triggerTimeAnnotation]: identity.triggerTime } : others
  return {
    ...slice,
    metadata: { ...slice.metadata, labels: identity.labels, ownerReferences: identity.ownerReferences, annotations },
    endpoints: draw.endpoints,
    ports: [...draw.ports],
  }
}
