import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasId } from './container-user.ts'
import { planCapabilities, planCommand, type CommandInput } from './plan-command.ts'
import { parseMountPoints, planHostRoot, type HostEntry } from './plan-host-root.ts'

const directory = (name: string): HostEntry => ({ name, type: 'directory' })
const tree: Readonly<Record<string, readonly HostEntry[]>> = {
  '/': [directory('usr'), directory('var'), directory('proc'), directory('boot'), { name: 'bin', type: 'link' }],
  '/var': [directory('lib'), directory('log'), { name: 'note', type: 'file' }],
}

test('directories with mounts below are entered once, then bound', () => {
  const steps = planHostRoot((path) => tree[path] ?? [], ['/proc', '/var/lib/images'])
  assert.deepEqual(
    steps.map(({ type, path }) => `${type} ${path}`),
    [
      'overlay /usr',
      'directory /var',
      'bind /var/lib',
      'overlay /var/log',
      'bind-file /var/note',
      'directory /proc',
      'link /bin',
    ],
  )
})

test('mount points are read with their escapes undone', () => {
  const text = '27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 0:25 / /mnt/my\\040disk ro - tmpfs x ro\n'
  assert.deepEqual(parseMountPoints(text), ['/', '/mnt/my disk'])
})

const input: CommandInput = {
  root: '/R',
  workingDir: '/w',
  argv: ['app', '--flag'],
  env: ['A=1'],
  tty: false,
  user: { uid: 0, gid: 0, groups: [] },
  mayChangeUser: true,
  capabilities: undefined,
  noNewPrivileges: false,
  stateDir: '/S',
  findProgram: (name) => name,
}
const tail = (changes: Partial<CommandInput>) =>
  planCommand({ ...input, ...changes })
    .slice(7)
    .join(' ')
const commands: readonly (readonly [string, Partial<CommandInput>, string])[] = [
  ['plain', {}, 'unshare --mount-proc --root=/R --wd=/w -- app --flag'],
  ['a terminal', { tty: true }, 'setsid --ctty unshare --mount-proc --root=/R --wd=/w -- app --flag'],
  [
    'another user',
    { user: { uid: 5, gid: 6, groups: [] } },
    'unshare --mount-proc --root=/R --wd=/w -S 5 -G 6 -- app --flag',
  ],
  [
    'another user that this namespace does not have',
    { user: { uid: 5, gid: 6, groups: [] }, mayChangeUser: false },
    'unshare --mount-proc --root=/R --wd=/w -- app --flag',
  ],
  [
    'a name that shells drop',
    { env: ['a.b=1', 'C=2'] },
    'env a.b=1 unshare --mount-proc --root=/R --wd=/w -- app --flag',
  ],
  [
    'fewer capabilities',
    { capabilities: ['chown'] },
    'unshare --mount-proc=/R/proc setpriv --bounding-set=-all,+chown,+sys_chroot unshare --root=/R --wd=/w -- app --flag',
  ],
  [
    'groups',
    { user: { uid: 5, gid: 6, groups: [7] } },
    'unshare --mount-proc=/R/proc setpriv --regid=6 --groups=7 unshare --root=/R --wd=/w -S 5 -- app --flag',
  ],
]
for (const [name, changes, expected] of commands) test(`command: ${name}`, () => assert.equal(tail(changes), expected))

test('capabilities are added to and taken from the usual set', () => {
  assert.equal(planCapabilities(['ALL'], []), undefined)
  assert.deepEqual(planCapabilities(['NET_ADMIN'], ['ALL']), ['net_admin'])
  assert.ok(!planCapabilities([], ['CAP_CHOWN'])?.includes('chown'))
  assert.ok(planCapabilities([], [])?.includes('net_bind_service'))
})

test('which ids a user namespace has', () => {
  const map = '         0       1000          1\n         1     100000      65536\n'
  assert.deepEqual(
    [0, 1, 65536, 65537].map((id) => hasId(map, id)),
    [true, true, true, false],
  )
})
