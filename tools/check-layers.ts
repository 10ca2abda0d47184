/** Checks the import table of the rooms, and that only files whose name says they act touch the outside. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

const component = ['lib', 'api', 'observe', 'client', 'kernel'] as const
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  api: ['lib'],
  observe: ['lib'],
  kernel: ['lib'],
  store: ['lib', 'observe'],
  client: ['lib', 'api', 'observe'],
  apiserver: ['lib', 'api', 'observe', 'store'],
  controllers: ['lib', 'api', 'observe', 'client'],
  agent: component,
  proxy: component,
  dns: component,
  'host-access': component,
  loadbalancer: component,
  gateway: component,
  cli: [
    'lib',
    'api',
    'observe',
    'kernel',
    'store',
    'client',
    'apiserver',
    'controllers',
    'agent',
    'proxy',
    'dns',
    'host-access',
  ],
  bin: ['*'],
}

const outside = /^node:(fs|fs\/promises|net|http|http2|https|tls|dgram|sqlite)$/
const acting =
  /^(serve|apply|open|run|watch|probe|start|read|write|extract|pull)-|^start\.ts$|^(https-transport|file-lock)\.ts$/
const starters = new Set(['kernel', 'bin'])

interface Import {
  readonly file: string
  readonly line: number
  readonly target: string
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  return text.split('\n').flatMap((content, index) => {
    const match =
      /(?:^|\s)(?:import|export)\b.*?['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)|^} from ['"]([^'"]+)['"]/.exec(content)
    const target = match?.[1] ?? match?.[2] ?? match?.[3]
    return target === undefined ? [] : [{ file, line: index + 1, target }]
  })
}

function roomOf(file: string): string {
  return file.split(path.sep)[1] ?? ''
}

function problem({ file, target }: Import): string | undefined {
  const room = roomOf(file)
  const base = path.basename(file)
  const rooms = allowed[room]
  if (!rooms) return `room ${room} is not in the import table`
  if (target.startsWith('#')) {
    const other = target.slice(1, target.indexOf('/'))
    if (other === room) return `imports its own room by name: use a relative path`
    if (!rooms.includes(other) && !rooms.includes('*')) return `${room} may not import ${other}`
  }
  if (target.startsWith('.')) {
    const other = roomOf(path.relative('.', path.resolve(path.dirname(file), target)))
    if (other !== room) return `reaches into ${other} by a relative path: use #${other}/…`
  }
  if (target === 'node:child_process' && !starters.has(room)) return `only kernel and bin start processes`
  if (target === 'koffi' && room !== 'kernel') return `only kernel makes system calls`
  if (outside.test(target) && !acting.test(base) && !starters.has(room))
    return `touches ${target}, but its name does not say that it acts`
  return undefined
}

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts') && !file.includes('/suite/'))
const problems = files.flatMap(importsOf).flatMap((found) => {
  const text = problem(found)
  return text === undefined ? [] : [`${found.file}:${found.line}: ${text}`]
})
for (const text of problems) console.error(text)
console.log(`layers: ${files.length} files, ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
