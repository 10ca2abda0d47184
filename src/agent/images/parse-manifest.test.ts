import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkedDigest, parseConfig, parseManifest } from './parse-manifest.ts'

const digest = `sha256:${'0'.repeat(64)}`
const descriptor = { mediaType: 'm', digest, size: 5 }

test('a manifest', () => {
  const text = JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [descriptor] })
  assert.deepEqual(parseManifest(text), { kind: 'manifest', manifest: { config: descriptor, layers: [descriptor] } })
})

test('an index, whatever its media type says', () => {
  const platform = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': 'x' }
  const entry = { ...descriptor, platform, annotations: { a: 'b', c: 1 } }
  assert.deepEqual(parseManifest(JSON.stringify({ mediaType: 'wrong', manifests: [entry] })), {
    kind: 'index',
    manifests: [
      { ...descriptor, platform: { os: 'linux', architecture: 'arm', variant: 'v7' }, annotations: { a: 'b' } },
    ],
  })
})

const refused: [string, unknown, RegExp][] = [
  ['no object', [], /is not an object/],
  ['schema 1', { schemaVersion: 1, fsLayers: [] }, /schema 1/],
  ['an artifact without layers', { schemaVersion: 2, config: descriptor }, /no config or layers/],
  [
    'a digest that is a path',
    { config: { ...descriptor, digest: 'sha256:../../x' }, layers: [] },
    /not a sha256 digest/,
  ],
  ['a digest of another kind', { config: { ...descriptor, digest: 'sha512:aa' }, layers: [] }, /not a sha256 digest/],
  ['a negative size', { config: { ...descriptor, size: -1 }, layers: [] }, /no valid size/],
]

for (const [name, value, message] of refused) {
  test(`manifest refused: ${name}`, () => assert.throws(() => parseManifest(JSON.stringify(value)), message))
}

test('a configuration with everything', () => {
  const config = {
    Env: ['A=b', 7],
    Entrypoint: ['/e'],
    Cmd: ['c'],
    WorkingDir: '/w',
    User: '1:2',
    StopSignal: 'SIGQUIT',
    Volumes: { '/v': {} },
  }
  assert.deepEqual(parseConfig(JSON.stringify({ config, rootfs: { type: 'layers', diff_ids: [digest] } })), {
    diffIds: [digest],
    config: { env: ['A=b'], entrypoint: ['/e'], cmd: ['c'], workingDir: '/w', user: '1:2', stopSignal: 'SIGQUIT' },
  })
})

test('a configuration with nothing, as Docker writes it', () => {
  const text = JSON.stringify({ config: { Env: null, Cmd: null, Entrypoint: null }, rootfs: { diff_ids: [] } })
  assert.deepEqual(parseConfig(text), {
    diffIds: [],
    config: { env: [], entrypoint: [], cmd: [], workingDir: '', user: '' },
  })
})

test('a configuration that does not name its layers is refused', () => {
  assert.throws(() => parseConfig('{"config":{}}'), /diff_ids/)
})

test('digests are lower case and whole', () => {
  for (const text of ['', 'sha256:', `sha256:${'A'.repeat(64)}`, `${digest}0`, ` ${digest}`, undefined]) {
    assert.throws(() => checkedDigest(text))
  }
  assert.equal(checkedDigest(digest), digest)
})
