/** Which unpacked layers are mounted by anybody: they must stay, whatever the index says. */
import { readdir, readFile, readlink } from 'node:fs/promises'

/** Names of layer directories that some process's overlays use. Mounts that may not be read are not seen. */
export async function probeMountedLayers(): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  const seen = new Set<string>()
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  for (const pid of pids) {
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined)
    if (namespace === undefined || seen.has(namespace)) continue
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => undefined)
    if (mounts === undefined) continue
    seen.add(namespace)
    for (const name of selectMountedLayers(mounts)) names.add(name)
  }
  return names
}

/**
 * Reads the text of a mountinfo file (proc_pid_mountinfo(5)). A lower directory may be given relative to a directory that
 * mountinfo does not tell; names of layers are digests, so the last part alone says which one it is.
 */
export function selectMountedLayers(mountinfo: string): readonly string[] {
  const lowers = [...mountinfo.matchAll(/[ ,]lowerdir\+?=([^, \n]*)/g)].flatMap(([, value = '']) => value.split(':'))
  return lowers.map((path) => path.slice(path.lastIndexOf('/') + 1)).filter((name) => layerNameForm.test(name))
}

const layerNameForm = /^(?:flat-)?[0-9a-f]{32}$/
