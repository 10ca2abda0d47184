/**
 * Tries what a cluster needs, by doing it. Runs in namespaces that were made for it (run-in-namespaces.ts) and leaves
 * nothing behind: they end with the process.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { HostFinding } from '#lib/host-finding.ts'
import type { IpFamily } from '#lib/ip.ts'
import { findProgram } from './find-program.ts'
import { checked, mount, umount2 } from './libc.ts'
import { MessageWriter } from './netlink/message.ts'
import { dataType, listChains, NftTransaction, nftFamily, setFlag } from './netlink/nftables.ts'
import { loadMeta, lookup, masquerade, metaKey, random, reg, storeMeta } from './netlink/nft-expressions.ts'
import { netlinkProtocol, openNetlink } from './netlink/socket.ts'
import { hasIpv6 } from './probe-ipv6.ts'
import { addBridge } from './route/route-messages.ts'

type Trial = Omit<HostFinding, 'result' | 'detail'> & {
  /** @returns what was seen; throws when it does not work */
  readonly run: () => string | Promise<string>
  /** What a failure means. */
  readonly otherwise: 'degraded' | 'missing'
}

const trials: readonly Trial[] = [
  {
    group: 'needed',
    check: 'links',
    otherwise: 'missing',
    lost: 'nodes and pods have no network',
    fix: 'use a kernel with CONFIG_VETH and CONFIG_BRIDGE, or load them: sudo modprobe -a veth bridge',
    run: tryLinks,
  },
  {
    group: 'needed',
    check: 'nftables',
    otherwise: 'missing',
    lost: 'Services do not work',
    fix: 'use a kernel with nftables NAT, or load it: sudo modprobe -a nf_tables nft_nat nft_masq nft_numgen nft_chain_nat',
    run: () => tryNftables(),
  },
  {
    group: 'needed',
    check: 'forwarding',
    otherwise: 'missing',
    lost: 'nodes cannot route',
    fix: 'run where /proc/sys/net is writable in an own network namespace (not in a container that mounts it read-only)',
    run: tryForwarding,
  },
  {
    group: 'needed',
    check: 'processes',
    otherwise: 'missing',
    lost: 'pods have no process namespace',
    fix: 'run where /proc is fully visible (in a container: --security-opt systempaths=unconfined)',
    run: tryProcesses,
  },
  {
    group: 'needed',
    check: 'overlay',
    otherwise: 'missing',
    lost: 'containers have no root file system',
    fix: 'use Linux 5.11 or newer with overlayfs: sudo modprobe overlay',
    run: tryOverlay,
  },
  {
    group: 'optional',
    check: 'IPv6',
    otherwise: 'degraded',
    lost: 'clusters have IPv4 alone: Services with ipFamilies [IPv6] or RequireDualStack are refused',
    fix: 'boot without ipv6.disable=1, with a kernel that has CONFIG_IPV6 and nftables NAT for it',
    run: tryIpv6,
  },
  {
    group: 'optional',
    check: 'user ids',
    otherwise: 'degraded',
    lost: 'images whose processes run as another user than root see all files as theirs or as nobody’s',
    fix: 'sudo apt-get install uidmap, and a line for this user in /etc/subuid and /etc/subgid',
    run: tryUserIds,
  },
  {
    group: 'optional',
    check: 'limits',
    otherwise: 'degraded',
    lost: 'resource limits of containers are not enforced',
    run: tryCgroups,
  },
]

export async function probeHost(): Promise<HostFinding[]> {
  const findings: HostFinding[] = []
  for (const { run, otherwise, lost, fix, ...trial } of trials) {
    try {
      findings.push({ ...trial, result: 'ok', detail: await run() })
    } catch (error) {
      const detail = (error as Error).message
      findings.push({ ...trial, result: otherwise, detail, ...(lost && { lost }), ...(fix && { fix }) })
    }
  }
  return findings
}

function tryLinks(): string {
  using socket = openNetlink(netlinkProtocol.route)
  const writer = new MessageWriter()
  addBridge(writer, 'fd-probe', 60)
  socket.request(writer)
  return 'bridge made in an own network namespace'
}

function tryNftables(family: IpFamily = 'IPv4'): string {
  using socket = openNetlink(netlinkProtocol.netfilter)
  const table = 'frontdesk-probe'
  const transaction = new NftTransaction({ family: nftFamily[family], table })
  transaction.addTable()
  transaction.addSet(
    {
      name: 'slots',
      flags: setFlag.map,
      keyType: dataType.mark,
      keyParts: [4],
      data: { type: dataType.mark, length: 4 },
    },
    1,
  )
  transaction.addChain('post', { type: 'nat', hook: 'postrouting', priority: 100 })
  const pick = [random(2, reg(0)), lookup('slots', reg(0), reg(1)), storeMeta(metaKey.mark, reg(1))]
  transaction.addRule('post', [...pick, loadMeta(metaKey.mark, reg(0)), masquerade(true)])
  transaction.commit(socket)
  return `NAT chain with random choice from a map (${listChains(socket, nftFamily[family], table).length} chain)`
}

function tryIpv6(): string {
  if (!hasIpv6()) throw new Error('this kernel has no IPv6')
  writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1')
  return `forwarding is writable, ${tryNftables('IPv6')}`
}

function tryForwarding(): string {
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
  return 'ip_forward is writable'
}

async function tryProcesses(): Promise<string> {
  const sh = findProgram('sh')
  const { stdout } = await promisify(execFile)(findProgram('unshare'), [
    '--pid',
    '--fork',
    '--mount-proc',
    sh,
    '-c',
    'echo $$',
  ])
  if (stdout.trim() !== '1') throw new Error(`the first process of a new namespace has pid ${stdout.trim()}`)
  return 'own process namespace with its own /proc'
}

function tryOverlay(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'frontdesk-probe-'))
  const part = (name: string): string => path.join(dir, name)
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(part(name))
    const data = `lowerdir=${part('lower')},upperdir=${part('upper')},workdir=${part('work')},userxattr`
    checked('mount an overlay', mount('overlay', part('merged'), 'overlay', 0, data))
    writeFileSync(path.join(part('merged'), 'seen'), '')
    umount2(part('merged'), 0)
    return `on ${os.tmpdir()}`
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function tryUserIds(): string {
  const rows = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n')
  const count = rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/)[2]), 0)
  if (count < 65_536) throw new Error(`${count} user id is mapped`)
  return count > 1e9 ? 'all' : `${count} mapped`
}

function tryCgroups(): string {
  throw new Error('this version does not put containers into cgroups')
}
