/**
 * The elements of the table's maps and sets, as values. Together they are all that changes when Services change; see
 * README.md for what each map is for.
 */
import type { Protocol } from '../backend.ts'
import { listChain } from './desired-list-chains.ts'

export type Element =
  | { map: 'fronts'; address: string; protocol: Protocol; port: number; mark: number; comment?: string }
  | { map: 'nodeports'; protocol: Protocol; port: number; mark: number }
  | { map: 'lists'; list: number; count: number; affinitySeconds: number; comment: string }
  | { map: 'slots'; list: number; slot: number; address: string; port: number }
  | { map: 'affinity-slots'; list: number; slot: number; endpoint: number }
  | { map: 'endpoints'; endpoint: number; address: string; port: number }
  | { map: 'cluster-ips'; address: string }
  | { map: 'no-endpoints'; address: string; protocol: Protocol; port: number }
  | { map: 'no-endpoint-nodeports'; protocol: Protocol; port: number }
  | { map: 'hairpin'; address: string }
  | { map: 'allowed-sources'; list: number; from: string; to: string }

export type MapName = Element['map']

/** In the order in which a transaction writes them. */
export const mapNames = [
  'endpoints',
  'slots',
  'affinity-slots',
  'lists',
  'hairpin',
  'allowed-sources',
  'cluster-ips',
  'fronts',
  'nodeports',
  'no-endpoints',
  'no-endpoint-nodeports',
] as const satisfies readonly MapName[]

/** What identifies an element within the table, as `nft` would print it. */
export function elementKey(element: Element): string {
  switch (element.map) {
    case 'fronts':
    case 'no-endpoints':
      return `${element.map} ${element.address} . ${element.protocol} . ${element.port}`
    case 'nodeports':
    case 'no-endpoint-nodeports':
      return `${element.map} ${element.protocol} . ${element.port}`
    case 'lists':
      return `lists ${element.list}`
    case 'slots':
    case 'affinity-slots':
      return `${element.map} ${element.list} . ${element.slot}`
    case 'endpoints':
      return `endpoints ${element.endpoint}`
    case 'cluster-ips':
    case 'hairpin':
      return `${element.map} ${element.address}`
    case 'allowed-sources':
      return `allowed-sources ${element.list} . ${element.from}-${element.to}`
    default:
      return element satisfies never
  }
}

/** What the element says about its key; empty for sets. A comment counts, too. */
export function elementData(element: Element): string {
  switch (element.map) {
    case 'fronts':
      return element.comment === undefined ? String(element.mark) : `${element.mark} # ${element.comment}`
    case 'nodeports':
      return String(element.mark)
    case 'lists':
      return `${listChain(element)} # ${element.comment}`
    case 'slots':
    case 'endpoints':
      return `${element.address} . ${element.port}`
    case 'affinity-slots':
      return String(element.endpoint)
    case 'cluster-ips':
    case 'no-endpoints':
    case 'no-endpoint-nodeports':
    case 'hairpin':
    case 'allowed-sources':
      return ''
    default:
      return element satisfies never
  }
}

/** Whether two elements with the same key say the same. */
export function hasSameData(a: Element, b: Element): boolean {
  if (a.map === 'slots' && b.map === 'slots') return a.port === b.port && a.address === b.address
  if (a.map === 'fronts' && b.map === 'fronts') return a.mark === b.mark && a.comment === b.comment
  return elementData(a) === elementData(b)
}

export const renderElement = (element: Element): string => {
  const data = elementData(element)
  return data === '' ? elementKey(element) : `${elementKey(element)} : ${data}`
}
