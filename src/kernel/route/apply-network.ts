/** Makes network namespaces match their desired state. Runs on the thread that owns entering namespaces. */
import { writeFileSync } from 'node:fs'
import { errnoOf } from '../libc.ts'
import { MessageWriter } from '../netlink/message.ts'
import { netlinkProtocol, openNetlink } from '../netlink/socket.ts'
import type { DesiredLink, DesiredNetns } from './desired-network.ts'
import {
  addAddress,
  addBridge,
  addPermanentNeighbour,
  addRoute,
  addVeth,
  deleteLink,
  deleteRoute,
  setLinkUp,
  type Route,
} from './route-messages.ts'

const { EEXIST = 17, ENODEV = 19, ESRCH = 3 } = errnoOf

export interface NetnsFd {
  readonly fd: number
}

/**
 * Call inside the namespace. `openPeer` opens another namespace's file. What exists already is adopted; what differs in
 * address or route is corrected.
 */
export function applyNetwork(desired: DesiredNetns, openPeer: (path: string) => NetnsFd): void {
  for (const [name, value] of Object.entries(desired.sysctls)) setSysctl(name, value)
  const writer = new MessageWriter()
  for (const link of desired.links) writeLink(writer, link, openPeer)
  for (const route of desired.routes) addRoute(writer, route)
  for (const { linkIndex, ip, mac } of desired.neighbours) addPermanentNeighbour(writer, linkIndex, ip, mac)
  using socket = openNetlink(netlinkProtocol.route)
  socket.request(writer, { tolerate: [EEXIST] })
}

function writeLink(writer: MessageWriter, link: DesiredLink, openPeer: (path: string) => NetnsFd): void {
  switch (link.kind.type) {
    case 'loopback':
      setLinkUp(writer, link.index)
      break
    case 'bridge':
      addBridge(writer, link.name, link.index, link.mac)
      break
    case 'veth': {
      const { name, index, mac = '' } = link
      addVeth(writer, { name, index, mac }, link.kind.peer, openPeer(link.kind.peer.netns).fd)
      break
    }
    case 'veth-end':
      setLinkUp(writer, link.index, link.kind.masterIndex)
      break
    default:
      link.kind satisfies never
  }
  for (const address of link.addresses) addAddress(writer, link.index, address)
}

/** Removes routes of the calling thread's namespace; those that have gone already are fine. */
export function removeRoutes(routes: readonly Route[]): void {
  const writer = new MessageWriter()
  for (const route of routes) deleteRoute(writer, route)
  using socket = openNetlink(netlinkProtocol.route)
  socket.request(writer, { tolerate: [ESRCH, ENODEV] })
}

/** Removes a link of the calling thread's namespace, and with it the other end; one that has gone already is fine. */
export function removeLink(index: number): void {
  const writer = new MessageWriter()
  deleteLink(writer, index)
  using socket = openNetlink(netlinkProtocol.route)
  socket.request(writer, { tolerate: [ENODEV] })
}

function setSysctl(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/net/${name}`, value)
  } catch (error) {
    // Absent in this kernel, or (ping_group_range) ids that a user namespace does not have.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EINVAL' && code !== 'EACCES') throw error
  }
}
