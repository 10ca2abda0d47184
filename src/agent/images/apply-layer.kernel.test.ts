import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { getXattr } from '#kernel/xattr.ts'
import { type LayerForm, openLayerWriter } from './apply-layer.ts'
import type { LayerHeader } from './plan-layer-entry.ts'

type Entry = LayerHeader & { readonly content?: string }

async function* bytes(content: string): AsyncGenerator<Uint8Array> {
  if (content !== '') yield Buffer.from(content)
}

async function apply(root: string, entries: readonly Entry[], form: LayerForm = 'overlay'): Promise<number> {
  const writer = openLayerWriter(root, form)
  for (const { content = '', ...header } of entries) await writer.write({ uid: 0, gid: 0, ...header }, bytes(content))
  writer.finish()
  return writer.skippedDevices
}

/** A root of its own beside a file that no layer may touch. */
function withRoot(name: string, body: (root: string, outside: string) => Promise<void>): void {
  test(`layer: ${name}`, async () => {
    const base = mkdtempSync(join(tmpdir(), 'frontdesk-layer-'))
    const root = join(base, 'root')
    mkdirSync(root)
    writeFileSync(join(base, 'secret'), 'untouched')
    try {
      await body(root, base)
      assert.equal(readFileSync(join(base, 'secret'), 'utf8'), 'untouched')
      assert.deepEqual(readdirSync(base).toSorted(), ['root', 'secret'])
    } finally {
      rmSync(base, { recursive: true })
    }
  })
}

const isWhiteout = (path: string) => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0
const isOpaque = (path: string) => Buffer.from(getXattr(path, 'user.overlay.opaque') ?? []).toString() === 'y'
const text = (...path: string[]) => readFileSync(join(...path), 'utf8')
const dir = (name: string, mode = 0o755): Entry => ({ name, type: 'directory', mode })

withRoot('files, modes, times, links, pipes', async (root) => {
  const mtime = new Date(1_600_000_000_000)
  await apply(root, [
    dir('etc/', 0o555),
    { name: 'etc/a', content: 'one', mode: 0o640, mtime },
    { name: 'etc/b', type: 'link', linkname: 'etc/a' },
    { name: 'etc/c', type: 'symlink', linkname: '/etc/a' },
    { name: 'bin/su', mode: 0o4755, content: 'x' },
    { name: 'pipe', type: 'fifo', mode: 0o622 },
  ])
  assert.equal(text(root, 'etc/b'), 'one')
  assert.equal(statSync(join(root, 'etc/a')).ino, statSync(join(root, 'etc/b')).ino)
  assert.equal(statSync(join(root, 'etc/a')).mode & 0o7777, 0o640)
  assert.equal(statSync(join(root, 'etc/a')).mtimeMs, mtime.getTime())
  assert.equal(statSync(join(root, 'etc')).mode & 0o7777, 0o555)
  assert.equal(readlinkSync(join(root, 'etc/c')), '/etc/a')
  assert.equal(statSync(join(root, 'bin/su')).mode & 0o7777, 0o4755)
  assert.ok(lstatSync(join(root, 'pipe')).isFIFO())
  chmodSync(join(root, 'etc'), 0o755)
})

withRoot('devices are counted, not made', async (root) => {
  assert.equal(await apply(root, [{ name: 'dev/null', type: 'character-device' }, { name: 'x' }]), 1)
  assert.deepEqual(readdirSync(root), ['x'])
})

withRoot('a later entry replaces an earlier one', async (root) => {
  await apply(root, [
    { name: 'a', content: '1' },
    { name: 'a', content: '2' },
    dir('d'),
    { name: 'd/x', content: 'x' },
    { name: 'd', content: 'now a file' },
    { name: 'f', content: 'file' },
    dir('f'),
    { name: 'f/y', content: 'y' },
  ])
  assert.equal(text(root, 'a'), '2')
  assert.equal(text(root, 'd'), 'now a file')
  assert.equal(text(root, 'f/y'), 'y')
})

withRoot('whiteouts become overlay marks', async (root) => {
  await apply(root, [{ name: 'etc/.wh.gone' }, dir('etc'), dir('opt'), { name: 'opt/.wh..wh..opq' }, { name: 'opt/x' }])
  assert.ok(isWhiteout(join(root, 'etc/gone')))
  assert.ok(isOpaque(join(root, 'opt')))
  assert.deepEqual(readdirSync(join(root, 'opt')), ['x'])
})

withRoot('a directory that is removed and made again hides what was below', async (root) => {
  await apply(root, [
    { name: '.wh.a' },
    dir('a'),
    { name: 'a/new', content: 'n' },
    dir('b'),
    { name: 'b/x' },
    { name: '.wh.b' },
  ])
  assert.ok(isOpaque(join(root, 'a')))
  assert.equal(text(root, 'a/new'), 'n')
  assert.ok(isOpaque(join(root, 'b')))
  assert.ok(existsSync(join(root, 'b/x')))
})

withRoot('a removed directory may come back without an entry of its own', async (root) => {
  await apply(root, [{ name: '.wh.a' }, { name: 'a/b/c', content: 'c' }])
  assert.ok(isOpaque(join(root, 'a')))
  assert.equal(text(root, 'a/b/c'), 'c')
})

withRoot('a file made in the same layer survives its whiteout', async (root) => {
  await apply(root, [{ name: 'a', content: 'kept' }, { name: '.wh.a' }])
  assert.equal(text(root, 'a'), 'kept')
})

withRoot('flat: removals are carried out on the layers below only', async (root) => {
  await apply(root, [dir('d'), { name: 'd/old' }, { name: 'gone' }, dir('o'), { name: 'o/old' }], 'flat')
  await apply(
    root,
    [{ name: '.wh.gone' }, { name: 'o/new' }, { name: 'o/.wh..wh..opq' }, { name: 'd/.wh.old' }],
    'flat',
  )
  assert.deepEqual(readdirSync(root).toSorted(), ['d', 'o'])
  assert.deepEqual(readdirSync(join(root, 'o')), ['new'])
  assert.deepEqual(readdirSync(join(root, 'd')), [])
})

withRoot('symbolic links on the way are followed inside the image', async (root) => {
  await apply(root, [
    dir('usr/lib'),
    { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
    { name: 'lib/x', content: 'x' },
    { name: 'abs', type: 'symlink', linkname: '/usr' },
    { name: 'abs/y', content: 'y' },
    { name: 'missing', type: 'symlink', linkname: 'usr/not/yet' },
    { name: 'missing/z', content: 'z' },
  ])
  assert.equal(text(root, 'usr/lib/x'), 'x')
  assert.equal(text(root, 'usr/y'), 'y')
  assert.equal(text(root, 'usr/not/yet/z'), 'z')
})

withRoot('attack: a symbolic link that climbs leads to the root of the image', async (root) => {
  await apply(root, [
    { name: 'up', type: 'symlink', linkname: '../../..' },
    { name: 'up/secret', content: 'inside' },
    { name: 'abs', type: 'symlink', linkname: '/' },
    { name: 'abs/secret2', content: 'inside' },
  ])
  assert.equal(text(root, 'secret'), 'inside')
  assert.equal(text(root, 'secret2'), 'inside')
})

withRoot('attack: a file over a symbolic link replaces the link', async (root, outside) => {
  await apply(root, [
    { name: 'a', type: 'symlink', linkname: join(outside, 'secret') },
    { name: 'a', content: 'evil' },
  ])
  assert.equal(text(root, 'a'), 'evil')
})

withRoot('attack: a hard link through a symbolic link stays inside', async (root, outside) => {
  symlinkSync(outside, join(root, 'out'))
  await assert.rejects(apply(root, [{ name: 'a', type: 'link', linkname: 'out/secret' }]), { code: 'ENOENT' })
  rmSync(join(root, outside.split('/')[1]!), { recursive: true })
})

withRoot('attack: whiteouts through a symbolic link remove nothing outside', async (root) => {
  await apply(root, [{ name: 'up', type: 'symlink', linkname: '..' }, { name: 'up/.wh.secret' }], 'flat')
})

withRoot('attack: links in a circle end', async (root) => {
  const circle: Entry[] = [
    { name: 'a', type: 'symlink', linkname: 'b' },
    { name: 'b', type: 'symlink', linkname: 'a' },
    { name: 'a/x', content: 'x' },
  ]
  await assert.rejects(apply(root, circle), /too many symbolic links/)
})

withRoot('attack: names that climb are refused', async (root) => {
  await assert.rejects(apply(root, [{ name: '../secret', content: 'evil' }]), /points outside of the image/)
})
