/** Whether this process is root of the machine, or only of a user namespace. */
import { readFileSync } from 'node:fs'

export function isInitialUserNamespace(): boolean {
  return readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).join(' ') === '0 0 4294967295'
}
