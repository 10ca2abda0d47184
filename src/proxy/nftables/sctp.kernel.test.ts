/** The rules for SCTP are written whether or not this kernel has SCTP: what the maps hold, read back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settleThread } from '#kernel/namespaces.ts'
import { listElements, nftFamily } from '#kernel/netlink/nftables.ts'
import { netlinkProtocol, openNetlink } from '#kernel/netlink/socket.ts'
import { silentLog } from '#observe/log.ts'
import { RouteTracker } from '../desired-routes.ts'
import { sctpPort, sctpSlice, service } from '../suite/packet-case.ts'
import { openNftablesBackend } from './apply-nftables.ts'
import { decodeElement } from './decode-elements.ts'
import { tableName } from './desired-table.ts'
import { type MapName, renderElement } from './elements.ts'

test('ClusterIP, node port and endpoints of an SCTP port stand in the maps; without endpoints it is refused', async () => {
  settleThread()
  using socket = openNetlink(netlinkProtocol.netfilter)
  const netlinkFd = openNetlink(netlinkProtocol.netfilter).fd
  const node = { family: 'IPv4', serviceCidrs: ['10.96.0.0/16'], masqueradeAll: false } as const
  using backend = openNftablesBackend({ netlinkFd, node, log: silentLog })
  const elements = (name: MapName): string[] => {
    const lines: string[] = []
    const place = { family: nftFamily.IPv4, table: tableName, name }
    listElements(socket, place, (listed) => lines.push(renderElement(decodeElement('IPv4', name, listed)!)))
    return lines
  }
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  const one = service({ type: 'NodePort', ports: [sctpPort({ nodePort: 30090 })] })
  const endpoints = sctpSlice({ endpoints: ['a1', 'b1'] })
  tracker.serviceChanged(undefined, one)
  tracker.sliceChanged(undefined, endpoints)
  const first = tracker.collect()
  await backend.sync(first.desired)
  assert.match(elements('fronts').join(), /10\.96\.0\.100 \. (sctp|SCTP) \. 90 :/)
  assert.match(elements('nodeports').join(), /(sctp|SCTP) \. 30090 :/)
  assert.match(elements('fronts').join(), /# default\/web:sig\/SCTP/)
  assert.equal(elements('slots').length, 2)
  tracker.sliceChanged(endpoints, undefined)
  const second = tracker.collect()
  await backend.sync(second.desired, second.changes)
  assert.match(elements('no-endpoints').join(), /10\.96\.0\.100 \. (sctp|SCTP) \. 90/)
  assert.match(elements('no-endpoint-nodeports').join(), /(sctp|SCTP) \. 30090/)
  assert.deepEqual([elements('fronts'), elements('nodeports'), elements('slots')], [[], [], []])
  await backend.cleanup()
})
