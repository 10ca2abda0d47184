/** Transactions that wait for the kernel, and those that it commits in another thread: the same comes of both. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { checked, setns, unshare } from '../libc.ts'
import { CLONE_NEWNET, settleThread, type ThreadHome } from '../namespaces.ts'
import { GenerationChanged, nftFamily, NftTransaction, readGeneration, tableExists } from './nftables.ts'
import { type Netlink, netlinkProtocol, openNetlink } from './socket.ts'

const family = nftFamily.IPv4
const table = 'tried'
let home: ThreadHome
before(() => {
  home = settleThread()
})

/** In a namespace of its own, which ends with the socket. */
async function inEmptyRuleset(run: (socket: Netlink) => Promise<void>): Promise<void> {
  checked('make a network namespace', unshare(CLONE_NEWNET))
  try {
    using socket = openNetlink(netlinkProtocol.netfilter)
    await run(socket)
  } finally {
    checked('leave network namespace', setns(home.net, CLONE_NEWNET))
  }
}

const ways = [
  { name: 'waited for', commit: async (transaction: NftTransaction, socket: Netlink) => transaction.commit(socket) },
  {
    name: 'in another thread',
    commit: (transaction: NftTransaction, socket: Netlink) => transaction.commitMeanwhile(socket),
  },
]
for (const { name, commit } of ways) {
  test(`${name}: all of it happens, and the generation grows by one`, () =>
    inEmptyRuleset(async (socket) => {
      const generation = readGeneration(socket)
      await commit(new NftTransaction({ family, table, generation }).addTable().addChain('one'), socket)
      assert.equal(tableExists(socket, family, table), true)
      assert.equal(readGeneration(socket), generation + 1)
    }))

  test(`${name}: a refused message is named, and nothing happens`, () =>
    inEmptyRuleset(async (socket) => {
      const transaction = new NftTransaction({ family, table }).addTable().flushSet('nowhere').addChain('one')
      await assert.rejects(commit(transaction, socket), /flush set nowhere/)
      assert.equal(tableExists(socket, family, table), false)
    }))

  test(`${name}: refused after a commit of somebody else`, () =>
    inEmptyRuleset(async (socket) => {
      const generation = readGeneration(socket)
      new NftTransaction({ family, table: 'another' }).addTable().commit(socket)
      const transaction = new NftTransaction({ family, table, generation }).addTable()
      await assert.rejects(commit(transaction, socket), GenerationChanged)
      assert.equal(tableExists(socket, family, table), false)
    }))
}
