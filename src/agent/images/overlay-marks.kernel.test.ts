import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '#observe/log.ts'
import { buildImage, file, packLayout } from '../../../test/fixtures/build-image.ts'
import { openImageStore } from './open-image-store.ts'

/** Runs in namespaces of its own: writes two layers, mounts them, prints what a container would see. */
const script = `
import { mkdirSync, readdirSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { openLayerWriter } from ${JSON.stringify(new URL('./apply-layer.ts', import.meta.url).href)}
const [base, options] = process.argv.slice(1)
const layers = [
  [['gone'], ['kept'], ['dir/a'], ['opaque/a'], ['replaced/a']],
  [['.wh.gone'], ['dir/.wh.a'], ['dir/b'], ['opaque/.wh..wh..opq'], ['opaque/b'], ['.wh.replaced'], ['replaced', 'directory'], ['replaced/b']],
]
for (const [index, entries] of layers.entries()) {
  mkdirSync(base + '/' + index)
  const writer = openLayerWriter(base + '/' + index, 'overlay')
  for (const [name, type = 'file'] of entries) await writer.write({ name, type }, (async function* () {})())
  writer.finish()
}
execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', 'lowerdir=' + base + '/1:' + base + '/0' + options, base + '/merged'])
console.log(readdirSync(base + '/merged', { recursive: true }).toSorted().join(' '))
`

const cases = [
  { name: 'as root', flags: ['-m'], options: ',userxattr', needsRoot: true },
  { name: 'as root, by trusted attributes', flags: ['-m'], options: '', needsRoot: true },
  { name: 'in a user namespace', flags: ['-Urm'], options: ',userxattr', needsRoot: false },
]

for (const { name, flags, options, needsRoot } of cases) {
  const skip = needsRoot && process.getuid?.() !== 0 ? 'needs root' : whyNoNamespace(flags)
  test(`overlayfs understands the layers that were written ${name}`, { skip }, async () => {
    const base = mkdtempSync(join(tmpdir(), 'frontdesk-overlay-'))
    mkdirSync(join(base, 'merged'))
    try {
      const command = [...flags, process.execPath, '--input-type=module', '-e', script, base, options]
      const shown = execFileSync('unshare', command, { encoding: 'utf8' }).trim()
      assert.equal(shown, 'dir dir/b kept opaque opaque/b replaced replaced/b')
    } finally {
      await rm(base, { recursive: true })
    }
  })
}

function whyNoNamespace(flags: readonly string[]): string | false {
  try {
    execFileSync('unshare', [...flags, 'true'], { stdio: 'pipe' })
    return false
  } catch (error) {
    return `unshare ${flags.join(' ')} fails: ${(error as Error).message}`
  }
}

const flags = ['-Urm']
test('a layer that is mounted somewhere outlives its image', { skip: whyNoNamespace(flags) }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'frontdesk-mounted-'))
  mkdirSync(join(dir, 'merged'))
  const archive = join(dir, 'a.tar')
  writeFileSync(archive, await packLayout(await buildImage({ layers: [[file('a', 'a')], [file('b', 'b')]] }), {}))
  const store = openImageStore({ dir, registries: {}, log: silentLog })
  await store.import(archive, { name: 'a' })
  const [lower, upper] = (await store.find('a'))!.layers
  const command = `mount -t overlay overlay -o lowerdir=${upper}:${lower},userxattr ${dir}/merged && echo mounted && exec cat`
  const holder = spawn('unshare', [...flags, 'sh', '-c', command], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(holder.stdout, 'data')
    await store.remove('a')
    assert.deepEqual([existsSync(lower!), existsSync(upper!)], [true, true])
    holder.stdin.end()
    await once(holder, 'exit')
    assert.equal((await store.prune())?.layers, 2)
    assert.deepEqual([existsSync(lower!), existsSync(upper!)], [false, false])
  } finally {
    holder.kill()
    await rm(dir, { recursive: true })
  }
})
