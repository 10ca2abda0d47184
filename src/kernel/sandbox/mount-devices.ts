/** /dev, /dev/shm, /dev/pts and /sys of a container. Runs inside its mount namespace, in its network namespace. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { SystemCallError, checked, errnoOf, mount } from '../libc.ts'
import { setMountReadOnly } from '../libc-process.ts'
import { MS_BIND, MS_REC } from './mount-rootfs.ts'

const MS_RDONLY = 1
const MS_NOSUID = 2
const MS_NODEV = 4
const MS_NOEXEC = 8
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const
const links = [
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
  ['pts/ptmx', 'ptmx'],
] as const

/** `shmDir` is shared by the containers of a pod. */
export function mountDevices(root: string, shmDir: string): void {
  const dev = `${root}/dev`
  mkdirSync(dev, { recursive: true })
  checked('mount /dev', mount('tmpfs', dev, 'tmpfs', MS_NOSUID | MS_NOEXEC, 'mode=0755,size=64k'))
  for (const device of devices) {
    writeFileSync(`${dev}/${device}`, '')
    // An unprivileged user cannot make device nodes: the host's are bound.
    checked('bind device', mount(`/dev/${device}`, `${dev}/${device}`, null, MS_BIND, null), device)
  }
  for (const [target, name] of links) symlinkSync(target, `${dev}/${name}`)
  mkdirSync(`${dev}/pts`)
  mkdirSync(`${dev}/shm`)
  const ptsOptions = 'newinstance,ptmxmode=0666,mode=0620'
  checked('mount /dev/pts', mount('devpts', `${dev}/pts`, 'devpts', MS_NOSUID | MS_NOEXEC, ptsOptions))
  checked('bind /dev/shm', mount(shmDir, `${dev}/shm`, null, MS_BIND, null), shmDir)
}

/** Shows the pod's own network devices; where a new sysfs is refused, the host's read-only. */
export function mountSys(root: string): void {
  const target = `${root}/sys`
  mkdirSync(target, { recursive: true })
  const result = mount('sysfs', target, 'sysfs', MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, null)
  try {
    checked('mount /sys', result)
  } catch (error) {
    if (!(error instanceof SystemCallError && error.errno === errnoOf.EPERM)) throw error
    checked('bind /sys', mount('/sys', target, null, MS_BIND | MS_REC, null))
    setMountReadOnly(target)
  }
}
