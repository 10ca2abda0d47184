import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errnoOf } from '../libc.ts'
import { MessageWriter, attributeText, nlmsgFlag, readAttributes } from './message.ts'
import { isNetlinkError, netlinkProtocol, openNetlink } from './socket.ts'

const RTM_GETLINK = 18
const RTM_SETLINK = 19
const linkHeader = (writer: MessageWriter, index: number) => writer.u8(0).u8(0).u16(0).i32(index).u32(0).u32(0)

test('a dump lists the links of the namespace', () => {
  using socket = openNetlink(netlinkProtocol.route)
  const names: string[] = []
  socket.dump(linkHeader(new MessageWriter().message(RTM_GETLINK), 0), (message) =>
    names.push(attributeText(readAttributes(message.body, 16).get(3)!)),
  )
  assert.ok(names.includes('lo'))
})

test('a get returns its one answer', () => {
  using socket = openNetlink(netlinkProtocol.route)
  const answer = socket.get(linkHeader(new MessageWriter().message(RTM_GETLINK), 1))
  assert.equal(attributeText(readAttributes(answer.body, 16).get(3)!), 'lo')
})

test('the refused one of many messages is named, and may be tolerated', () => {
  using socket = openNetlink(netlinkProtocol.route)
  const writer = new MessageWriter()
  for (let index = 0; index < 150; index++)
    linkHeader(writer.message(RTM_SETLINK, nlmsgFlag.ack), index === 100 ? 999999 : 1)
  assert.throws(
    () => socket.request(writer),
    (error: unknown) => isNetlinkError(error, errnoOf.ENODEV!) && error.index === 100,
  )
  socket.request(writer, { tolerate: [errnoOf.ENODEV!] })
})
