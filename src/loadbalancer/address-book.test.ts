import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressCondition } from '#api/load-balancer-address.ts'
import { parseAddressPool } from '#lib/address-pool.ts'
import { AddressBook } from './address-book.ts'
import { type Draft, sampleService } from './sample-objects.ts'
import { addressesAnnotation as ips, sharingAnnotation as sharing } from './select-wishes.ts'

const recorded = (message: string): Draft['status'] => ({
  conditions: [{ type: addressCondition, status: 'True', reason: 'Allocated', message, lastTransitionTime: '' }],
})
const announced = (ip: string): Draft['status'] => ({ loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } })
const port = (number: number, protocol: 'TCP' | 'UDP' = 'TCP') => ({ ports: [{ port: number, protocol }] })
const local = (app: string, number: number) => ({
  ...port(number),
  externalTrafficPolicy: 'Local' as const,
  selector: { app },
})
const shared = (key: string, wanted?: string) => ({ [sharing]: key, ...(wanted && { [ips]: wanted }) })

/** Services in the order in which they come; what the last one gets. */
const cases: readonly {
  readonly name: string
  readonly pools?: readonly string[]
  readonly services: readonly Draft[]
  readonly gets: string | RegExp
}[] = [
  { name: 'the lowest free address', services: [{}, {}, {}], gets: '10.0.0.3' },
  {
    name: 'the next pool when one is used up',
    pools: ['10.0.0.9/32', '10.1.0.4/31'],
    services: [{}, {}],
    gets: '10.1.0.4',
  },
  {
    name: 'nothing when all are used up',
    pools: ['10.0.0.9/32'],
    services: [{}, {}],
    gets: /^AddressPoolExhausted: no IPv4/,
  },
  {
    name: 'the address of spec.loadBalancerIP',
    services: [{ spec: { loadBalancerIP: '10.0.0.7' } }],
    gets: '10.0.0.7',
  },
  { name: 'the address of the annotation', services: [{ annotations: { [ips]: '10.0.0.8' } }], gets: '10.0.0.8' },
  {
    name: 'the annotation before the field',
    services: [{ annotations: { [ips]: '10.0.0.8' }, spec: { loadBalancerIP: '10.0.0.7' } }],
    gets: '10.0.0.8',
  },
  {
    name: 'no address outside the pools',
    services: [{ spec: { loadBalancerIP: '10.0.1.1' } }],
    gets: 'AddressNotInPool: 10.0.1.1 is in no address pool',
  },
  {
    name: 'not the spared ends of a prefix',
    services: [{ spec: { loadBalancerIP: '10.0.0.0' } }],
    gets: /^AddressNotInPool/,
  },
  {
    name: 'no nonsense',
    services: [{ spec: { loadBalancerIP: '10.0.0.07' } }],
    gets: /^AddressInvalid: "10.0.0.07" is not/,
  },
  {
    name: 'no address of another family than the Service has',
    pools: ['10.0.0.0/24', 'fd00::/120'],
    services: [{ spec: { loadBalancerIP: 'fd00::7' } }],
    gets: 'AddressInvalid: the Service is of family IPv4, not of that of fd00::7',
  },
  {
    name: 'of addresses of both families that which is of its own',
    pools: ['10.0.0.0/24', 'fd00::/120'],
    services: [{ annotations: { [ips]: 'fd00::7,10.0.0.8' } }],
    gets: '10.0.0.8',
  },
  {
    name: 'an address that is written otherwise',
    pools: ['fd00::/120'],
    services: [{ spec: { ipFamilies: ['IPv6'], loadBalancerIP: 'FD00:0::7' } }],
    gets: 'fd00::7',
  },
  { name: 'what it had before a restart', services: [{ status: recorded('10.0.0.5') }], gets: '10.0.0.5' },
  { name: 'what its status announces', services: [{ status: announced('10.0.0.6') }], gets: '10.0.0.6' },
  { name: 'a new one when what it had is in no pool', services: [{ status: recorded('10.9.9.9') }], gets: '10.0.0.1' },
  {
    name: 'the requested one rather than what it had',
    services: [{ status: recorded('10.0.0.5'), spec: { loadBalancerIP: '10.0.0.7' } }],
    gets: '10.0.0.7',
  },
  {
    name: 'a taken address: refused, both owners named',
    services: [{ spec: { loadBalancerIP: '10.0.0.7' } }, { spec: { loadBalancerIP: '10.0.0.7' } }],
    gets: /^AddressInUse: Services shop\/s1 and shop\/s0 both want 10.0.0.7; shop\/s0 has it, and they do not share it/,
  },
  {
    name: 'a shared address, other ports',
    services: [
      { annotations: shared('k', '10.0.0.7'), spec: port(80) },
      { annotations: shared('k', '10.0.0.7'), spec: port(81) },
    ],
    gets: '10.0.0.7',
  },
  {
    name: 'a shared address, one number, two protocols',
    services: [
      { annotations: shared('k'), spec: port(53) },
      { annotations: shared('k'), spec: port(53, 'UDP') },
    ],
    gets: '10.0.0.1',
  },
  {
    name: 'sharing is not for one port',
    services: [
      { annotations: shared('k', '10.0.0.7'), spec: port(80) },
      { annotations: shared('k', '10.0.0.7'), spec: port(80) },
    ],
    gets: /^AddressInUse: .* both have port 80\/TCP$/,
  },
  {
    name: 'a port of its own each when none is asked for',
    services: [
      { annotations: shared('k'), spec: port(80) },
      { annotations: shared('k'), spec: port(80) },
    ],
    gets: '10.0.0.2',
  },
  {
    name: 'other keys do not share',
    services: [
      { annotations: shared('a', '10.0.0.7'), spec: port(80) },
      { annotations: shared('b', '10.0.0.7'), spec: port(81) },
    ],
    gets: /^AddressInUse: .* do not share it by the same value of annotation frontdesk.dev\/allow-shared-ip$/,
  },
  {
    name: 'policy Local shares where the pods are the same',
    services: [
      { annotations: shared('k', '10.0.0.7'), spec: local('web', 80) },
      { annotations: shared('k', '10.0.0.7'), spec: local('web', 81) },
    ],
    gets: '10.0.0.7',
  },
  {
    name: 'policy Local does not share where the pods differ',
    services: [
      { annotations: shared('k', '10.0.0.7'), spec: local('web', 80) },
      { annotations: shared('k', '10.0.0.7'), spec: local('db', 81) },
    ],
    gets: /^AddressInUse: .* must select the same pods$/,
  },
  {
    name: 'one of each family',
    pools: ['10.0.0.0/24', 'fd00::/120'],
    services: [{ spec: { ipFamilies: ['IPv6', 'IPv4'] } }],
    gets: 'fd00::1,10.0.0.1',
  },
  {
    name: 'both families where PreferDualStack can have one only',
    services: [{ spec: { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' } }],
    gets: '10.0.0.1',
  },
  {
    name: 'not one family where RequireDualStack asks for both',
    services: [{ spec: { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' } }],
    gets: /^AddressPoolExhausted: no IPv6/,
  },
  {
    name: 'nothing for a family without a pool',
    services: [{ spec: { ipFamilies: ['IPv6'] } }],
    gets: 'AddressPoolExhausted: no address pool is of family IPv6',
  },
]

const open = (pools: readonly string[] = ['10.0.0.0/24']) =>
  new AddressBook(pools.map((text) => parseAddressPool(text)!))
const decided = (book: AddressBook, name: string, draft: Draft = {}): string => {
  const decision = book.decide(sampleService(name, draft))
  return decision.kind === 'assigned' ? decision.ips.join() : `${decision.reason}: ${decision.message}`
}

test('who gets which address', () => {
  for (const { name, pools, services, gets } of cases) {
    const book = open(pools)
    const last = services.map((draft, index) => decided(book, `s${index}`, draft)).at(-1)!
    if (typeof gets === 'string') assert.equal(last, gets, name)
    else assert.match(last, gets, name)
  }
})

test('a second look changes nothing, and frees nobody', () => {
  const book = open()
  assert.equal(decided(book, 'a'), '10.0.0.1')
  const again = book.decide(sampleService('a'))
  assert.deepEqual(again, { kind: 'assigned', ips: ['10.0.0.1'], freesOthers: false })
})

test('what is given up is free for others', () => {
  const book = open(['10.0.0.9/32'])
  decided(book, 'a')
  assert.match(decided(book, 'b'), /Exhausted/)
  book.release('shop/a')
  assert.equal(decided(book, 'b'), '10.0.0.9')
})

test('moving to a requested address frees the old one', () => {
  const book = open()
  decided(book, 'a')
  assert.equal(decided(book, 'a', { spec: { loadBalancerIP: '10.0.0.4' } }), '10.0.0.4')
  assert.equal(decided(book, 'b'), '10.0.0.1')
  assert.deepEqual(book.holders('10.0.0.4'), ['shop/a'])
})

test('a start takes down what was given before anything new is given', () => {
  const book = open()
  book.adopt(sampleService('b', { status: recorded('10.0.0.1') }))
  book.adopt(sampleService('thief', { status: recorded('10.0.0.1') }))
  assert.equal(decided(book, 'a'), '10.0.0.2')
  assert.equal(decided(book, 'thief', { status: recorded('10.0.0.1') }), '10.0.0.3')
  assert.equal(decided(book, 'b', { status: recorded('10.0.0.1') }), '10.0.0.1')
})

test('a holder that begins to share lets others in', () => {
  const book = open()
  const wanted = { annotations: shared('k', '10.0.0.7'), spec: port(81) }
  decided(book, 'a', { spec: { ...port(80), loadBalancerIP: '10.0.0.7' } })
  assert.match(decided(book, 'b', wanted), /^AddressInUse/)
  const opened = book.decide(sampleService('a', { annotations: shared('k', '10.0.0.7'), spec: port(80) }))
  assert.equal(opened.freesOthers, true)
  assert.equal(decided(book, 'b', wanted), '10.0.0.7')
})
