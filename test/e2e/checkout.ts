/** Where the programs under test are. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const node = process.execPath
export const program = join(root, 'bin/frontdesk.js')
