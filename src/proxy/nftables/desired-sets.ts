/** The table's maps and sets; README.md says what each is for. */
import type { IpFamily } from '#lib/ip.ts'
import { concatenatedType, dataType, setFlag, verdictType, type SetDefinition } from '#kernel/netlink/nftables.ts'

export function desiredSets(family: IpFamily): SetDefinition[] {
  const address = family === 'IPv4' ? dataType.ipv4 : dataType.ipv6
  const addressLength = family === 'IPv4' ? 4 : 16
  const frontEnd = {
    keyType: concatenatedType(address, dataType.protocol, dataType.port),
    keyParts: [addressLength, 1, 2],
  }
  const nodePort = { keyType: concatenatedType(dataType.protocol, dataType.port), keyParts: [1, 2] }
  const slot = { keyType: concatenatedType(dataType.mark, dataType.mark), keyParts: [4, 4] }
  const one = { keyType: dataType.mark, keyParts: [4] }
  const toMark = { type: dataType.mark, length: 4 }
  const toEndpoint = { type: concatenatedType(address, dataType.port), length: addressLength + 4 }
  return [
    { name: 'fronts', flags: setFlag.map, ...frontEnd, data: toMark },
    { name: 'nodeports', flags: setFlag.map, ...nodePort, data: toMark },
    { name: 'lists', flags: setFlag.map, ...one, data: toMark },
    { name: 'spreads', flags: setFlag.map, ...one, data: { type: verdictType, length: 0 } },
    { name: 'slots', flags: setFlag.map, ...slot, data: toEndpoint },
    { name: 'affinity-slots', flags: setFlag.map, ...slot, data: toMark },
    { name: 'endpoints', flags: setFlag.map, ...one, data: toEndpoint },
    {
      name: 'affinity',
      flags: setFlag.map | setFlag.timeout | setFlag.eval,
      keyType: concatenatedType(address, dataType.mark),
      keyParts: [addressLength, 4],
      data: toMark,
      size: 1 << 18,
    },
    { name: 'cluster-ips', flags: 0, keyType: address, keyParts: [addressLength] },
    { name: 'no-endpoints', flags: 0, ...frontEnd },
    { name: 'no-endpoint-nodeports', flags: 0, ...nodePort },
    {
      name: 'hairpin',
      flags: 0,
      keyType: concatenatedType(address, address),
      keyParts: [addressLength, addressLength],
    },
    {
      name: 'allowed-sources',
      flags: setFlag.interval | setFlag.concat,
      keyType: concatenatedType(dataType.mark, address),
      keyParts: [4, addressLength],
    },
  ]
}
