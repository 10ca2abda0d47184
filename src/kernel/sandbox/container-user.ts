/** Who a container's process is: numbers from the pod, or names looked up in the image. */
import { readFileSync } from 'node:fs'
import { LaunchError, type ContainerUser } from './container-launch.ts'
import { resolveInRoot } from './resolve-in-root.ts'

export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly home: string
}

export function resolveUser(root: string, user: ContainerUser): ResolvedUser {
  const [name = '', group = ''] = user.uid === undefined ? user.imageUser.split(':') : [String(user.uid)]
  const entry = name === '' ? findEntry(root, 'passwd', '0') : findEntry(root, 'passwd', name)
  const uid = isNumber(name) ? Number(name) : Number(entry?.[2] ?? (name === '' ? 0 : Number.NaN))
  if (Number.isNaN(uid)) throw new LaunchError(`unable to find user ${name}: no matching entries in passwd file`)
  const gid = user.gid ?? groupId(root, group) ?? Number(entry?.[3] ?? 0)
  return { uid, gid, groups: user.groups, home: entry?.[5] || '/' }
}

function groupId(root: string, group: string): number | undefined {
  if (group === '') return undefined
  if (isNumber(group)) return Number(group)
  const entry = findEntry(root, 'group', group)
  if (!entry) throw new LaunchError(`unable to find group ${group}: no matching entries in group file`)
  return Number(entry[2])
}

/** The fields of the line whose name or number is `key`. */
function findEntry(root: string, file: 'passwd' | 'group', key: string): string[] | undefined {
  let text: string
  try {
    text = readFileSync(resolveInRoot(root, `/etc/${file}`), 'utf8')
  } catch {
    return undefined
  }
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => (isNumber(key) ? fields[2] === key : fields[0] === key))
}

const isNumber = (text: string) => /^[0-9]+$/.test(text)

/** Whether this process's user namespace has the id (`/proc/self/uid_map` or gid_map as text). */
export function hasId(idMap: string, id: number): boolean {
  return idMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = 0, , count = 0]) => id >= first && id < first + count)
}
