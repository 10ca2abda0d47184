/** Programs of others that benchmarks compare with: what is not there is reported, never installed. */
import { findProgram } from '#kernel/find-program.ts'

export function isInstalled(program: string): boolean {
  try {
    findProgram(program)
    return true
  } catch {
    return false
  }
}
