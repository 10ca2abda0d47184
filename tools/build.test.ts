import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { build } from './build.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'frontdesk-build-'))
before(() => build(directory))
after(() => rmSync(directory, { recursive: true }))

const built = () => globSync('*.js', { cwd: directory })
const source = () => globSync('src/**/*.ts').filter((file) => !/\.test\.ts$|\/suite\//.test(file))

test('every file that runs on its own is a program of the build', () => {
  const named = source().flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/new URL\('(.*?)', import\.meta\.url\)/g)].map((match) => match[1]!),
  )
  const programs = named.filter((url) => url.endsWith('.ts')).map((url) => `${path.basename(url, '.ts')}.js`)
  assert.ok(programs.length >= 5, `found only ${programs.join(' ')}`)
  assert.deepEqual(
    [...new Set(programs)].filter((program) => !built().includes(program)),
    [],
  )
})

test('only files of src/bin name paths outside the source', () => {
  const outside = source().filter((file) =>
    /'\.\.\/\.\.(\/|')/.test(readFileSync(file, 'utf8').replaceAll(/from '.*'/g, '')),
  )
  assert.deepEqual(
    outside.filter((file) => !file.startsWith('src/bin/')),
    [],
  )
})

test('nothing is imported that is not part of the build', () => {
  const foreign = built().flatMap(
    (file) => readFileSync(path.join(directory, file), 'utf8').match(/^import .* from "[^.].*/gm) ?? [],
  )
  assert.deepEqual(foreign, [])
})

test('licences of what is inside are there', () => {
  assert.match(readFileSync(path.join(directory, 'THIRD-PARTY.txt'), 'utf8'), /^js-yaml .*\(MIT\)$/m)
})
