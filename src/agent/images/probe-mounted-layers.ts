/** Which unpacked layers are mounted by anybody: they must stay, whatever the index says. */
import { readdir, readFile, readlink } from 'node:fs/promises'

/** Names of directories right below `dir` that some process's mounts mention. Mounts that may not be read are not seen. */
export async function probeMountedLayers(dir: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  const seen = new Set<string>()
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  for (const pid of pids) {
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined)
    if (namespace === undefined || seen.has(namespace)) continue
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => undefined)
    if (mounts === undefined) continue
    seen.add(namespace)
    for (const name of selectMounted(mounts, dir)) names.add(name)
  }
  return names
}

/** Reads the text of a mountinfo file (proc_pid_mountinfo(5)). */
export function selectMounted(mountinfo: string, dir: string): readonly string[] {
  return mountinfo
    .split(`${escapeMountinfo(dir)}/`)
    .slice(1)
    .map((rest) => /^[\w-]*/.exec(rest)?.[0] ?? '')
}

const escapeMountinfo = (path: string) =>
  path.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
