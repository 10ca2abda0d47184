/** The suite's addresses, cases and networks in IPv6: each IPv4 address stands in the last four bytes of one of fd00::/96. */
import { formatIp, parseIp, type IpFamily } from '#lib/ip.ts'
import type { DesiredNetns } from '#kernel/route/desired-network.ts'
import type { PacketCase } from './packet-case.ts'

const prefixLength = 96

export function ipv6Of(ipv4: string): string {
  if (ipv4 === '0.0.0.0') return '::'
  if (ipv4 === '127.0.0.1') return '::1'
  const bytes = new Uint8Array(16)
  bytes[0] = 0xfd
  bytes.set(parseIp(ipv4)!.bytes, 12)
  return formatIp({ family: 'IPv6', bytes })
}

const pattern = /(\d+\.\d+\.\d+\.\d+)(?:\/(\d+)|:(\d+))?/g

/** Every address, range and `address:port` in a text. */
export const textOf = (family: IpFamily, text: string): string =>
  family === 'IPv4'
    ? text
    : text.replace(pattern, (_all, address: string, length?: string, port?: string) => {
        if (length === '0') return '::/0'
        if (length !== undefined) return `${ipv6Of(address)}/${prefixLength + Number(length)}`
        return port === undefined ? ipv6Of(address) : `[${ipv6Of(address)}]:${port}`
      })

/** The same for every text in a value. */
export function valueOf<T>(family: IpFamily, value: T): T {
  if (family === 'IPv4') return value
  if (typeof value === 'string') return (value === 'IPv4' ? 'IPv6' : textOf(family, value)) as T
  if (Array.isArray(value)) return value.map((item: unknown) => valueOf(family, item)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, valueOf(family, item)])) as T
}

/** The kernel routes no packet to ::1 elsewhere: there is nothing like IPv4's route_localnet. */
const asksLoopback = (to: string | readonly string[]): boolean => [to].flat().some((one) => one.startsWith('127.'))

/** Without dials to the loopback address. Undefined when nothing is left. */
export function caseOf(family: IpFamily, packetCase: PacketCase): PacketCase | undefined {
  if (family === 'IPv4') return packetCase
  const steps = packetCase.steps.map((step) => {
    const dials = step.dials.filter(({ to }) => !asksLoopback(to))
    // Objects that are the same in two steps have to stay so: that is how a change is told from none.
    return { ...valueOf(family, { ...step, services: [], slices: [] }), dials: valueOf(family, dials) }
  })
  const known = new Map<object, object>()
  const once = <T extends object>(object: T): T => {
    const translated = known.get(object) ?? valueOf(family, object)
    known.set(object, translated)
    return translated as T
  }
  const whole = steps.map((step, index) => ({
    ...step,
    services: packetCase.steps[index]!.services.map(once),
    slices: packetCase.steps[index]!.slices.map(once),
  }))
  if (whole.every(({ dials }) => dials.length === 0)) return undefined
  return { ...valueOf(family, { ...packetCase, steps: [] }), steps: whole }
}

const sysctls = {
  'ipv6/conf/all/forwarding': '1',
  'ipv6/conf/default/forwarding': '1',
  // Addresses work at once, without asking whether somebody else has them.
  'ipv6/conf/all/accept_dad': '0',
  'ipv6/conf/default/accept_dad': '0',
  'ipv6/icmp/ratemask': '0,2-127',
}

export function netnsOf(family: IpFamily, desired: DesiredNetns): DesiredNetns {
  if (family === 'IPv4') return desired
  const { path, links, routes, neighbours } = desired
  const translated = valueOf(family, { links, routes, neighbours })
  return {
    ...translated,
    routes: translated.routes.map((route) => (route.to === 'default' ? { ...route, to: '::/0' } : route)),
    path,
    sysctls: { ...desired.sysctls, ...sysctls },
  }
}
