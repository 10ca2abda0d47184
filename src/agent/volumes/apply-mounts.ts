/** Which mounts a container gets, from its volumeMounts and where the volumes are. Makes the sub-paths that they name. */
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Container } from '#api/container.ts'
import type { ContainerMount } from '#kernel/sandbox/container-launch.ts'
import { resolveInRoot } from '#kernel/sandbox/resolve-in-root.ts'
import { ConfigError } from '../environment/build-environment.ts'
import { expandVariables } from '../environment/expand-variables.ts'

export function applyMounts(
  container: Pick<Container, 'volumeMounts'>,
  sources: ReadonlyMap<string, string>,
  env: ReadonlyMap<string, string>,
): ContainerMount[] {
  // A parent must be mounted before what is mounted inside it.
  const mounts = (container.volumeMounts ?? []).toSorted((a, b) => depth(a.mountPath) - depth(b.mountPath))
  return mounts.map((mount) => {
    const source = sources.get(mount.name)
    if (source === undefined) throw new ConfigError(`cannot find volume "${mount.name}" to mount into container`)
    const subPath = mount.subPathExpr
      ? expandVariables(mount.subPathExpr, (name) => env.get(name))
      : (mount.subPath ?? '')
    return { source: selectSubPath(source, subPath), target: mount.mountPath, readOnly: mount.readOnly ?? false }
  })
}

const depth = (target: string) => path.posix.normalize(target).split('/').length

/** Links are followed inside the volume only, or a container could make us mount anything. */
function selectSubPath(volume: string, subPath: string): string {
  if (subPath === '') return volume
  if (path.posix.isAbsolute(subPath) || subPath.split('/').includes('..')) {
    throw new ConfigError(`subPath "${subPath}" must be a relative path without ".."`)
  }
  const target = resolveInRoot(volume, `/${subPath}`)
  if (!existsSync(target)) mkdirSync(target, { recursive: true })
  return target
}
