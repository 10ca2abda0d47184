import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LayerEntry, type LayerHeader, planLayerEntry, selectXattrs } from './plan-layer-entry.ts'

const cases: [string, LayerHeader, LayerEntry][] = [
  ['a file', { name: './etc/passwd', type: 'file' }, { kind: 'file', path: ['etc', 'passwd'] }],
  ['an absolute name is inside', { name: '/etc//x' }, { kind: 'file', path: ['etc', 'x'] }],
  ['a directory', { name: 'etc/', type: 'directory' }, { kind: 'directory', path: ['etc'] }],
  ['the root directory', { name: './', type: 'directory' }, { kind: 'directory', path: [] }],
  ['a link', { name: 'a', type: 'link', linkname: 'b/c' }, { kind: 'link', path: ['a'], target: ['b', 'c'] }],
  [
    'a symlink may say anything',
    { name: 'a', type: 'symlink', linkname: '../../etc' },
    { kind: 'symlink', path: ['a'], target: '../../etc' },
  ],
  ['a pipe', { name: 'p', type: 'fifo' }, { kind: 'pipe', path: ['p'] }],
  ['a device', { name: 'dev/x', type: 'character-device' }, { kind: 'skip', path: ['dev', 'x'], why: 'device' }],
  ['a whiteout', { name: 'etc/.wh.passwd' }, { kind: 'whiteout', path: ['etc', 'passwd'] }],
  ['a whiteout of a hidden file', { name: '.wh..x' }, { kind: 'whiteout', path: ['.x'] }],
  ['an opaque directory', { name: 'etc/.wh..wh..opq' }, { kind: 'opaque', path: ['etc'] }],
  ['an opaque root', { name: '.wh..wh..opq' }, { kind: 'opaque', path: [] }],
  ['aufs leftovers', { name: '.wh..wh.plnk/1.2' }, { kind: 'skip', path: ['.wh..wh.plnk', '1.2'], why: 'aufs' }],
]

for (const [name, header, expected] of cases) {
  test(`layer entry: ${name}`, () => assert.deepEqual(planLayerEntry(header), expected))
}

const refused: [string, LayerHeader][] = [
  ['a name that climbs', { name: '../x' }],
  ['a name that climbs later', { name: 'a/../../x' }],
  ['a hard link that climbs', { name: 'a', type: 'link', linkname: '../../etc/shadow' }],
  ['a whiteout of the parent', { name: 'a/.wh...' }],
  ['a whiteout of itself', { name: 'a/.wh..' }],
  ['a whiteout of nothing', { name: 'a/.wh.' }],
  ['a name with a zero byte', { name: 'a\0b' }],
  ['a symlink to nothing', { name: 'a', type: 'symlink', linkname: '' }],
]

for (const [name, header] of refused) {
  test(`layer entry refused: ${name}`, () => assert.throws(() => planLayerEntry(header)))
}

test('attributes that steer overlayfs are never taken from an image', () => {
  const pax = {
    'SCHILY.xattr.user.note': 'x',
    'SCHILY.xattr.security.capability': '\u0001\0',
    'SCHILY.xattr.trusted.overlay.redirect': '/etc',
    'SCHILY.xattr.user.overlay.opaque': 'y',
    'SCHILY.xattr.user.binary': '\ufffd',
    path: 'a',
  }
  assert.deepEqual(selectXattrs({ name: 'a', pax }), [
    ['user.note', 'x'],
    ['security.capability', '\u0001\0'],
  ])
})
