/** Rules for addresses and ranges in new values; empty means fine. */
import { formatCidr, formatIp, maskIp, parseCidr, parseIp, type Cidr, type IpAddress } from '#lib/ip.ts'

const notAnIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const notACidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

export function ipProblems(text: string): string[] {
  const address = parseIp(text)
  if (address === undefined) return [parseIp(withoutLeadingZeros(text)) ? 'must not have leading 0s' : notAnIp]
  return isMappedIpv4(address) ? ['must not be an IPv4-mapped IPv6 address'] : []
}

/** As `ipProblems`, and the text must be the one canonical form. */
export function canonicalIpProblems(text: string): string[] {
  const problems = ipProblems(text)
  const address = parseIp(text)
  if (problems.length > 0 || address === undefined) return problems
  const canonical = formatIp(address)
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

export function cidrProblems(text: string): string[] {
  const cidr = parseCidr(text)
  if (cidr === undefined) {
    return [parseCidr(withoutLeadingZeros(text)) ? 'must not have leading 0s in IP or prefix length' : notACidr]
  }
  return [
    ...(isMappedIpv4(cidr.base) ? ['must not have an IPv4-mapped IPv6 address'] : []),
    ...(hasHostBits(cidr) ? ['must not have bits set beyond the prefix length'] : []),
  ]
}

export function canonicalCidrProblems(text: string): string[] {
  const problems = cidrProblems(text)
  const cidr = parseCidr(text)
  if (problems.length > 0 || cidr === undefined) return problems
  const canonical = formatCidr(cidr)
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** Addresses that no endpoint and no external IP may have. */
export function specialIpProblems(text: string): string[] {
  const address = parseIp(text)
  if (address === undefined) return []
  const [first = 0, second = 0, third = 0] = address.bytes
  const isV4 = address.family === 'IPv4'
  const isLoopback = isV4 ? first === 127 : formatIp(address) === '::1'
  const isLinkLocal = isV4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80
  const isLinkLocalMulticast = isV4
    ? first === 224 && second === 0 && third === 0
    : first === 0xff && (second & 0xf) === 2
  return [
    ...(address.bytes.every((byte) => byte === 0) ? [`may not be unspecified (${text})`] : []),
    ...(isLoopback ? ['may not be in the loopback range (127.0.0.0/8, ::1/128)'] : []),
    ...(isLinkLocal ? ['may not be in the link-local range (169.254.0.0/16, fe80::/10)'] : []),
    ...(isLinkLocalMulticast ? ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'] : []),
  ]
}

function isMappedIpv4({ family, bytes }: IpAddress): boolean {
  return family === 'IPv6' && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
}

function hasHostBits({ base, prefixLength }: Cidr): boolean {
  return formatIp(maskIp(base, prefixLength)) !== formatIp(base)
}

function withoutLeadingZeros(text: string): string {
  return text.replace(/(^|[./])0+(?=\d)/g, '$1')
}
