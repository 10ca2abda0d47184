/** Finds a container's program before anything is started, so that a missing one is an error and not exit code 127. */
import { statSync } from 'node:fs'
import path from 'node:path'
import { LaunchError } from './container-launch.ts'
import { resolveInRoot } from './resolve-in-root.ts'

export function requireExecutable(root: string, program: string, workingDir: string, searchPath: string): void {
  if (program.includes('/')) {
    const problem = executableProblem(root, path.posix.resolve(workingDir || '/', program))
    if (problem) throw new LaunchError(`exec: ${JSON.stringify(program)}: ${problem}`)
    return
  }
  const directories = searchPath.split(':').filter(Boolean)
  const found = directories.some((directory) => !executableProblem(root, `${directory}/${program}`))
  if (!found) throw new LaunchError(`exec: ${JSON.stringify(program)}: executable file not found in $PATH`)
}

function executableProblem(root: string, file: string): string | undefined {
  const missing = `stat ${file}: no such file or directory`
  try {
    const stat = statSync(resolveInRoot(root, file), { throwIfNoEntry: false })
    if (!stat) return missing
    if (stat.isDirectory()) return 'is a directory'
    return stat.mode & 0o111 ? undefined : 'permission denied'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EACCES' ? 'permission denied' : missing
  }
}
