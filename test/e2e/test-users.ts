/** The users as whom the suite runs: root, and somebody without any privilege. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, chownSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { node } from './checkout.ts'

export interface TestUser {
  readonly name: string
  readonly isRoot: boolean
  /** Set when this process must become that user to run a command. */
  readonly ids?: { readonly uid: number; readonly gid: number }
  /** A directory of its own, for state and kubeconfig. */
  readonly home: string
}

export type FoundUser = { readonly user: TestUser } | { readonly skip: string }

const isRoot = process.getuid?.() === 0
const ordinaryName = 'frontdesk-test'

export function rootUser(): FoundUser {
  if (!isRoot) return { skip: 'this test runs as root only' }
  return { user: { name: 'root', isRoot: true, home: makeHome() } }
}

/** Whoever runs the tests, or for root an account made for this purpose (the first ordinary one if there is any). */
export function ordinaryUser(): FoundUser {
  if (!isRoot) return { user: { name: userInfo().username, isRoot: false, home: makeHome() } }
  const account = findAccount() ?? makeAccount()
  if (typeof account === 'string') return { skip: account }
  const check = spawnSync(node, ['--version'], { uid: account.uid, gid: account.gid, cwd: '/', encoding: 'utf8' })
  if (check.status !== 0)
    return { skip: `user ${account.name} may not run ${node}: the checkout is not readable for others` }
  const home = makeHome()
  chownSync(home, account.uid, account.gid)
  return { user: { name: account.name, isRoot: false, ids: { uid: account.uid, gid: account.gid }, home } }
}

interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** An ordinary account with subordinate ids, without which images with several owners are limited. */
function findAccount(): Account | undefined {
  const withSubIds = new Set(readLines('/etc/subuid').map((line) => line.split(':')[0]))
  return readLines('/etc/passwd')
    .map((line) => line.split(':'))
    .filter(([name, , uid]) => Number(uid) >= 1000 && Number(uid) < 60_000 && withSubIds.has(name))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))[0]
}

function makeAccount(): Account | string {
  try {
    execFileSync('useradd', ['--create-home', '--shell', '/bin/sh', ordinaryName], { stdio: 'pipe' })
  } catch (error) {
    return `cannot make the user ${ordinaryName}: ${(error as Error).message}`
  }
  return findAccount() ?? `the user ${ordinaryName} got no subordinate ids`
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    return [] // No such database: then nobody is in it.
  }
}

const makeHome = () => mkdtempSync(join(tmpdir(), 'frontdesk-e2e-'))
