/** Removes trees that came out of images. */
import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Like `rm -rf`, also through directories whose mode forbids their owner to write. Missing is fine. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    await openDirectories(path)
    await rm(path, { recursive: true, force: true })
  }
}

async function openDirectories(path: string): Promise<void> {
  const found = await lstat(path)
  if (!found.isDirectory()) return
  await chmod(path, found.mode | 0o700)
  for (const name of await readdir(path)) await openDirectories(join(path, name))
}
