/** Name servers with the same names on 127.0.0.1, each with one worker: frontdesk's, and those of others that are installed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { findProgram } from '#kernel/find-program.ts'
import { isInstalled } from './installed.ts'

export interface NamedAddress {
  readonly name: string
  readonly address: string
}

export interface Place {
  /** For files of its own. */
  readonly dir: string
  readonly port: number
}

export interface Contender {
  readonly name: 'frontdesk' | 'Unbound' | 'Knot'
  /** What must be installed; absent: nothing. */
  readonly program?: string
  start(names: readonly NamedAddress[], place: Place): ChildProcess
}

const frontdesk: Contender = {
  name: 'frontdesk',
  start: (names, { port }) => {
    const script = new URL('./dns-server.ts', import.meta.url).pathname
    return spawn(process.execPath, [script, '127.0.0.1', `${port}`, `${names.length}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  },
}

const unbound: Contender = {
  name: 'Unbound',
  program: 'unbound',
  start: (names, { dir, port }) => {
    const config = path.join(dir, 'unbound.conf')
    const data = names.map(({ name, address }) => `  local-data: "${name}. 5 IN A ${address}"`)
    const settings = {
      interface: '127.0.0.1',
      port,
      'num-threads': 1,
      'do-daemonize': 'no',
      chroot: '""',
      username: '""',
      pidfile: '""',
      directory: `"${dir}"`,
      'use-syslog': 'no',
      logfile: '"/dev/null"',
      'do-ip6': 'no',
      'so-rcvbuf': '4m',
      'so-sndbuf': '4m',
      'module-config': '"iterator"',
      'local-zone': '"cluster.local." static',
    }
    const lines = Object.entries(settings).map(([key, value]) => `  ${key}: ${value}`)
    writeFileSync(config, `server:\n${[...lines, ...data].join('\n')}\nremote-control:\n  control-enable: no\n`)
    return spawn(findProgram('unbound'), ['-d', '-c', config], { stdio: 'ignore' })
  },
}

const knot: Contender = {
  name: 'Knot',
  program: 'knotd',
  start: (names, { dir, port }) => {
    const config = path.join(dir, 'knot.conf')
    const head = '$ORIGIN cluster.local.\n$TTL 5\n@ SOA ns hostmaster 1 7200 1800 86400 5\n@ NS ns\nns A 127.0.0.1\n'
    const zone = head + names.map(({ name, address }) => `${name}. A ${address}\n`).join('')
    writeFileSync(path.join(dir, 'cluster.local.zone'), zone)
    writeFileSync(
      config,
      `server:
  rundir: ${dir}
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: ${dir}
log:
  - target: stderr
    any: error
zone:
  - domain: cluster.local
    storage: ${dir}
    file: cluster.local.zone
`,
    )
    return spawn(findProgram('knotd'), ['-c', config], { stdio: 'ignore' })
  },
}

const all = [unbound, frontdesk, knot]
const isThere = ({ program }: Contender): boolean => program === undefined || isInstalled(program)

/** Those that can take part, and those whose program is missing. */
export const contenders = (): readonly Contender[] => all.filter(isThere)
export const absentContenders = (): readonly Contender[] => all.filter((contender) => !isThere(contender))
