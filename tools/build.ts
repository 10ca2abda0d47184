/**
 * Builds `dist/bin/`: what `bin/frontdesk.js` starts, and what the published package holds.
 *
 * One rule makes the same source run from `src` and from `dist`: a file that runs on its own (a process or a Worker) is
 * named by `new URL('./name.ts', import.meta.url)`. Each such file becomes an entry of its own here, all entries lie
 * flat in one folder, and the URL is rewritten to `./name.js`. Paths into the package (`../../package.json`) are right
 * because only files of `src/bin` use them, and `dist/bin` lies as deep.
 */
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type OutputAsset, type OutputChunk, type Plugin, rolldown } from 'rolldown'

const root = path.resolve(import.meta.dirname, '..')
const main = 'frontdesk.js'
const ownProgram = /new URL\('(\.{1,2}\/[^']+)\.ts', import\.meta\.url\)/g
/** Kept apart in node_modules: native code. */
const external = ['koffi']
/** Files of earlier builds stay this long for processes that run from them and load a command or a Worker late. */
const keepFormerMs = 24 * 3600 * 1000

export interface Build {
  readonly files: readonly { readonly name: string; readonly bytes: number }[]
  readonly seconds: number
}

type Output = readonly (OutputChunk | OutputAsset)[]

export async function build(directory = path.join(root, 'dist/bin')): Promise<Build> {
  const begun = new Date()
  // Each program for itself: a process loads one file (and late parts as files of their own), which is what starts fastest.
  const programs = new Map([[main, path.join(root, 'src/bin/frontdesk.ts')]])
  const output: (OutputChunk | OutputAsset)[] = []
  for (const [name, source] of programs) output.push(...(await bundle(name, source, programs)))
  writeFiles(directory, output)
  writeFileSync(path.join(directory, 'THIRD-PARTY.txt'), renderLicences(output))
  removeFormer(directory, new Set(output.map(({ fileName }) => fileName)), begun)
  // As old as the source that was read: whoever edits while this runs has a build that is out of date.
  utimesSync(path.join(directory, main), begun, begun)
  const files = output.map((file) => ({ name: file.fileName, bytes: sizeOf(file) }))
  return { files, seconds: (Date.now() - begun.getTime()) / 1000 }
}

/** @param programs what else runs on its own is added to them */
async function bundle(name: string, source: string, programs: Map<string, string>): Promise<Output> {
  const made = await rolldown({
    cwd: root,
    input: source,
    platform: 'node',
    external,
    plugins: [programsOfTheirOwn(programs), requiredAtOnce()],
  })
  const { output } = await made.generate({
    format: 'esm',
    entryFileNames: name,
    chunkFileNames: 'chunk-[name]-[hash].js',
    keepNames: true,
    comments: false,
  })
  await made.close()
  return output
}

function programsOfTheirOwn(programs: Map<string, string>): Plugin {
  return {
    name: 'programs-of-their-own',
    transform(code, id) {
      if (!code.includes('import.meta.url')) return null
      return code.replaceAll(ownProgram, (_, relative: string) => {
        const name = `${path.basename(relative)}.js`
        const source = path.resolve(path.dirname(id), `${relative}.ts`)
        if ((programs.get(name) ?? source) !== source) throw new Error(`Cannot build two programs called ${name}`)
        programs.set(name, source)
        return `new URL('./${name}', import.meta.url)`
      })
    },
  }
}

/**
 * `import http from 'node:http'` reads every export of the module, also those that load their code when first read: 80 ms
 * and 13 MB for a WebSocket client that nobody uses. Required, modules cost what is used of them.
 */
function requiredAtOnce(): Plugin {
  return {
    name: 'required-at-once',
    renderChunk: (code) =>
      toAscii(code.replaceAll(bareImport, (_, clause: string, name: string) => renderRequire(clause, name))),
  }
}

/** One letter beyond Latin-1 in a string, and V8 keeps the whole file in memory with two bytes for each letter. */
function toAscii(code: string): string {
  return code.replaceAll(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const bareImport = /^import ([^"';]+) from "((?:node:)?[^."][^"]*)";$/gm

function renderRequire(clause: string, name: string): string {
  const [, whole, named] = /^(?:\* as )?(\w[\w$]*)?(?:, )?(\{.*\})?$/.exec(clause) ?? []
  if (!whole && !named) throw new Error(`Cannot read "import ${clause} from ${name}"`)
  const targets = [...(whole ? [whole] : []), ...(named ? [named.replaceAll(' as ', ': ')] : [])]
  return targets.map((target) => `const ${target} = ${renderSource(name)};`).join(' ')
}

const renderSource = (name: string): string =>
  name.startsWith('node:')
    ? `process.getBuiltinModule("${name}")`
    : `process.getBuiltinModule("node:module").createRequire(import.meta.url)("${name}")`

/** Each file appears whole; programs come after the chunks that they load, the command line last. */
function writeFiles(directory: string, output: Output): void {
  mkdirSync(directory, { recursive: true })
  const rank = (file: OutputChunk | OutputAsset) =>
    file.fileName === main ? 2 : 'isEntry' in file && file.isEntry ? 1 : 0
  for (const file of output.toSorted((a, b) => rank(a) - rank(b))) {
    const temporary = path.join(directory, `.new-${process.pid}`)
    writeFileSync(temporary, contentOf(file))
    renameSync(temporary, path.join(directory, file.fileName))
  }
}

const contentOf = (file: OutputChunk | OutputAsset): string | Uint8Array =>
  file.type === 'chunk' ? file.code : file.source
const sizeOf = (file: OutputChunk | OutputAsset): number => Buffer.byteLength(contentOf(file))

function removeFormer(directory: string, current: ReadonlySet<string>, now: Date): void {
  for (const name of globSync('*.js', { cwd: directory })) {
    const file = path.join(directory, name)
    if (!current.has(name) && now.getTime() - statSync(file).mtimeMs > keepFormerMs) rmSync(file)
  }
}

/** The licences of the packages whose code is inside. */
function renderLicences(output: Output): string {
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
  const packages = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  return [...packages]
    .sort()
    .map(renderLicence)
    .join(`\n${'-'.repeat(80)}\n\n`)
}

function renderLicence(directory: string): string {
  const { name, version, license } = JSON.parse(readFileSync(`${directory}/package.json`, 'utf8')) as Record<
    string,
    string
  >
  const [file] = globSync('{LICEN[SC]E,licen[sc]e}*', { cwd: directory })
  return `${name} ${version} (${license})\n\n${file ? readFileSync(path.join(directory, file), 'utf8') : ''}`
}

if (import.meta.main) {
  const directory = process.argv[2]
  const { files, seconds } = await build(directory && path.resolve(directory))
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  console.log(`built ${files.length} files, ${(bytes / 1024).toFixed(0)} kB, in ${seconds.toFixed(1)}s`)
}
