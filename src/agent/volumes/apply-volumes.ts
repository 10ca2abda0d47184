/** Makes a pod's volumes and says where they are. */
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Pod } from '#api/pod.ts'
import type { HostPathVolumeSource, Volume } from '#api/volume.ts'
import { applyPayload } from './apply-payload.ts'
import { VolumeError, buildPayload, type PayloadInput } from './build-payload.ts'

export interface VolumeDirs {
  /** On disk. */
  readonly volumes: string
  /** On the cluster's tmpfs. */
  readonly memory: string
}

export interface AppliedVolumes {
  /** Volume name → directory or file to bind. */
  readonly sources: ReadonlyMap<string, string>
  /** When a token must be replaced; absent: never. */
  readonly refreshAtMs?: number
}

/** Throws VolumeError, in the words of kubelet's event. Also refreshes: what is the same is left alone. */
export async function applyVolumes(pod: Pod, dirs: VolumeDirs, input: PayloadInput): Promise<AppliedVolumes> {
  const sources = new Map<string, string>()
  let refreshAtMs: number | undefined
  for (const volume of pod.spec.volumes ?? []) {
    try {
      const applied = await applyVolume(volume, dirs, input)
      sources.set(volume.name, applied.source)
      if (applied.refreshAtMs !== undefined) refreshAtMs = Math.min(refreshAtMs ?? Infinity, applied.refreshAtMs)
      if (!volume.hostPath) giveToGroup(applied.source, pod.spec.securityContext?.fsGroup)
    } catch (cause) {
      if (!(cause instanceof VolumeError)) throw cause
      throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${cause.message}`, { cause })
    }
  }
  return { sources, ...(refreshAtMs !== undefined && { refreshAtMs }) }
}

async function applyVolume(
  volume: Volume,
  dirs: VolumeDirs,
  input: PayloadInput,
): Promise<{ readonly source: string; readonly refreshAtMs?: number }> {
  if (volume.hostPath) return { source: ensureHostPath(volume.hostPath) }
  const payload = await buildPayload(volume, input)
  const source = path.join(volume.emptyDir?.medium === 'Memory' ? dirs.memory : dirs.volumes, volume.name)
  if (payload) {
    applyPayload(source, payload)
    return { source, ...(payload.refreshAtMs !== undefined && { refreshAtMs: payload.refreshAtMs }) }
  }
  // A volume without any source is an emptyDir.
  if (!volume.emptyDir && Object.keys(volume).length > 1) throw new VolumeError('the volume type is not supported')
  if (!existsSync(source)) {
    mkdirSync(source, { recursive: true })
    chmodSync(source, 0o777)
  }
  return { source }
}

/** Group ids that the user namespace lacks cannot be given; the files are readable for all then anyway. */
function giveToGroup(source: string, fsGroup: number | undefined): void {
  if (fsGroup === undefined) return
  try {
    chownSync(source, -1, fsGroup)
    chmodSync(source, (statSync(source).mode & 0o7777) | 0o2070)
    for (const entry of readdirSync(source, { recursive: true }))
      lchownSync(path.join(source, String(entry)), -1, fsGroup)
  } catch (error) {
    if (!['EINVAL', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function ensureHostPath({ path: target, type = '' }: HostPathVolumeSource): string {
  const stat = existsSync(target) ? statSync(target) : undefined
  const require = (is: boolean | undefined, what: string) => {
    if (!is) throw new VolumeError(`hostPath type check failed: ${target} is not a ${what}`)
  }
  switch (type) {
    case '':
      if (!stat) mkdirSync(target, { recursive: true })
      break
    case 'DirectoryOrCreate':
      if (!stat) mkdirSync(target, { recursive: true, mode: 0o755 })
      else require(stat.isDirectory(), 'directory')
      break
    case 'FileOrCreate':
      if (!stat) writeFileSync(target, '', { mode: 0o644 })
      else require(stat.isFile(), 'file')
      break
    case 'Directory':
      require(stat?.isDirectory(), 'directory')
      break
    case 'File':
      require(stat?.isFile(), 'file')
      break
    case 'Socket':
      require(stat?.isSocket(), 'socket file')
      break
    case 'CharDevice':
      require(stat?.isCharacterDevice(), 'character device')
      break
    case 'BlockDevice':
      require(stat?.isBlockDevice(), 'block device')
      break
    default:
      throw new VolumeError(`unknown hostPath type: ${type}`)
  }
  return target
}
