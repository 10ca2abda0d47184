import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { silentLog } from '#observe/log.ts'
import { buildImage, buildIndex, file, packLayout } from '../../../test/fixtures/build-image.ts'
import { type RegistryOptions, serveRegistry, type TestRegistry } from '../../../test/fixtures/serve-registry.ts'
import { PullError } from './contract.ts'
import { openImageStore } from './open-image-store.ts'

const signal = new AbortController().signal
const hello = (text: string) =>
  buildImage({ layers: [[file('hello', text)]], config: { Cmd: ['/hello'], Env: ['A=b'] } })

interface Context {
  readonly registry: TestRegistry
  readonly dir: string
  readonly open: () => ReturnType<typeof openImageStore>
}

function withStore(name: string, body: (context: Context) => Promise<void>, options: RegistryOptions = {}): void {
  test(`image store: ${name}`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'frontdesk-images-'))
    await using registry = await serveRegistry(options)
    const registries = { 'docker.io': { mirrors: [registry.url], mirrorsOnly: true } }
    try {
      await body({ registry, dir, open: () => openImageStore({ dir, registries, log: silentLog }) })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
}

const read = (image: { layers: readonly string[] }, name: string) =>
  readFileSync(join(image.layers.at(-1)!, name), 'utf8')
const blobsOf = ({ requests }: TestRegistry) => requests.filter((request) => request.includes('/blobs/'))
const failsWith = (reason: string, message: RegExp) => (error: unknown) =>
  error instanceof PullError && error.reason === reason && message.test(error.message)

for (const compression of ['gzip', 'zstd', 'none'] as const) {
  withStore(`pulls ${compression} layers through a mirror`, async ({ registry, open }) => {
    const layers = [[file('a', 'one')], [file('b', 'two')]]
    registry.add('library/app', 'latest', await buildImage({ layers, compression, config: { User: '7:8' } }))
    const store = open()
    assert.equal(await store.find('app'), undefined)
    const image = await store.pull('app', [], signal)
    assert.equal(image.layers.length, 2)
    assert.equal(readFileSync(join(image.layers[0]!, 'a'), 'utf8'), 'one')
    assert.equal(read(image, 'b'), 'two')
    assert.equal(image.config.user, '7:8')
    assert.deepEqual(await open().find('docker.io/library/app:latest'), image)
  })
}

withStore('takes the image of this machine out of an index', async ({ registry, open }) => {
  const own = process.arch === 'x64' ? 'amd64' : process.arch
  const index = buildIndex([
    { architecture: 'other', image: await hello('wrong') },
    { architecture: own, image: await hello('right') },
  ])
  registry.add('library/app', 'v1', index)
  const image = await open().pull('app:v1', [], signal)
  assert.equal(read(image, 'hello'), 'right')
  assert.equal(image.repoDigest, `docker.io/library/app@${index.top.digest}`)
  assert.deepEqual(await open().find(`app@${index.top.digest}`), image)
})

withStore('says which platforms there are', async ({ registry, open }) => {
  registry.add('library/app', 'v1', buildIndex([{ architecture: 'vax', image: await hello('x') }]))
  await assert.rejects(
    open().pull('app:v1', [], signal),
    failsWith('ErrImagePull', /no match for platform .*linux\/vax/),
  )
})

withStore('pulls by digest without asking again', async ({ registry, open }) => {
  const image = await hello('pinned')
  registry.add('library/app', 'v1', image)
  const reference = `app@${image.top.digest}`
  assert.equal(read(await open().pull(reference, [], signal), 'hello'), 'pinned')
  const before = registry.requests.length
  await open().pull(reference, [], signal)
  assert.equal(registry.requests.length, before)
})

withStore('a moved tag is pulled again, an unmoved one is not', async ({ registry, open }) => {
  registry.add('library/app', 'latest', await hello('old'))
  const store = open()
  await store.pull('app', [], signal)
  const before = blobsOf(registry).length
  assert.equal(read(await store.pull('app', [], signal), 'hello'), 'old')
  assert.equal(blobsOf(registry).length, before)
  registry.add('library/app', 'latest', await hello('new'))
  assert.equal(read(await store.pull('app', [], signal), 'hello'), 'new')
})

withStore('pulls of one reference at the same time are one', async ({ registry, open }) => {
  registry.add('library/app', 'latest', await hello('once'))
  const store = open()
  const images = await Promise.all([1, 2, 3, 4].map(() => store.pull('app', [], signal)))
  assert.equal(new Set(images).size, 1)
  assert.equal(blobsOf(registry).length, 2)
})

withStore('one who gives up does not end the pull of another', async ({ registry, open }) => {
  registry.add('library/app', 'latest', await hello('stays'))
  const store = open()
  const impatient = new AbortController()
  const first = store.pull('app', [], impatient.signal)
  const second = store.pull('app', [], signal)
  impatient.abort(new Error('gave up'))
  await assert.rejects(first, /gave up/)
  assert.equal(read(await second, 'hello'), 'stays')
})

withStore('a missing image', async ({ open }) => {
  await assert.rejects(
    open().pull('nope:v9', [], signal),
    failsWith('ErrImagePull', /^failed to pull and unpack image "docker.io\/library\/nope:v9": not found/),
  )
})

withStore('a bad name', async ({ open }) => {
  await assert.rejects(open().pull('No Such', [], signal), failsWith('InvalidImageName', /couldn't parse image name/))
})

withStore('a registry that is not there', async ({ open }) => {
  await assert.rejects(open().pull('127.0.0.1:1/x', [], signal), failsWith('ErrImagePull', /cannot reach http:\/\/127/))
})

withStore('a hundred layers are flattened, with removals', async ({ registry, open }) => {
  const layers = Array.from({ length: 100 }, (_, n) => [
    file(`f${n}`, `${n}`),
    ...(n > 0 ? [file(`.wh.f${n - 1}`, '')] : []),
  ])
  registry.add('library/app', 'latest', await buildImage({ layers, compression: 'none' }))
  const image = await open().pull('app', [], signal)
  assert.equal(image.layers.length, 1)
  assert.deepEqual(readdirSync(image.layers[0]!), ['f99'])
})

withStore('equal layers are mounted once', async ({ registry, open }) => {
  const layer = [file('a', 'x')]
  registry.add('library/app', 'latest', await buildImage({ layers: [layer, [file('b', 'y')], layer] }))
  const image = await open().pull('app', [], signal)
  assert.deepEqual(
    image.layers.map((dir) => readdirSync(dir)),
    [['b'], ['a']],
  )
})

withStore('removing frees what only that image used', async ({ registry, dir, open }) => {
  const shared = [file('shared', 's')]
  registry.add('library/a', 'latest', await buildImage({ layers: [shared, [file('a', 'a')]] }))
  registry.add('library/b', 'latest', await buildImage({ layers: [shared, [file('b', 'b')]] }))
  const store = open()
  await store.pull('a', [], signal)
  const kept = await store.pull('b', [], signal)
  assert.equal(await store.remove('a'), true)
  assert.equal(await store.remove('a'), false)
  assert.equal(await store.find('a'), undefined)
  assert.deepEqual(await store.find('b'), kept)
  assert.equal(readdirSync(join(dir, 'layers')).length, 2)
  assert.equal(readdirSync(join(dir, 'blobs/sha256')).length, 4)
  assert.equal(await store.remove('b'), true)
  assert.deepEqual(readdirSync(join(dir, 'layers')), [])
  assert.deepEqual(readdirSync(join(dir, 'blobs/sha256')), [])
})

withStore('a layer that vanished is unpacked again', async ({ registry, open }) => {
  registry.add('library/app', 'latest', await hello('again'))
  const store = open()
  const image = await store.pull('app', [], signal)
  rmSync(image.layers[0]!, { recursive: true })
  const found = await store.find('app')
  assert.ok(found)
  assert.equal(read(found, 'hello'), 'again')
})

const login = { username: 'user', password: 'pass:word' }
for (const scheme of ['basic', 'bearer'] as const) {
  withStore(
    `logs in by ${scheme}, trying each login`,
    async ({ registry, open }) => {
      registry.add('team/app', 'latest', await hello('private'))
      const wrong = { username: 'user', password: 'wrong' }
      const reference = `${registry.host}/team/app`
      await assert.rejects(open().pull(reference, [], signal), failsWith('ErrImagePull', /needs a pull secret/))
      await assert.rejects(open().pull(reference, [wrong], signal), failsWith('ErrImagePull', /needs a pull secret/))
      assert.equal(read(await open().pull(reference, [wrong, login], signal), 'hello'), 'private')
    },
    { login: { scheme, ...login } },
  )
}

/** Spoils the first `count` answers for blobs. */
function spoilBlobs(count: number, spoil: (response: ServerResponse) => void) {
  let left = count
  return (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.includes('/blobs/') || left-- <= 0) return false
    spoil(response)
    return true
  }
}

withStore(
  'a blob with another digest is never stored',
  async ({ registry, dir, open }) => {
    registry.add('library/app', 'latest', await hello('x'))
    await assert.rejects(open().pull('app', [], signal), failsWith('ErrImagePull', /expected sha256:.* got sha256:/))
    const names = readdirSync(join(dir, 'blobs/sha256'))
    assert.equal(names.length, 1, 'only the manifest')
    assert.deepEqual(await open().list(), [])
  },
  { intercept: spoilBlobs(Infinity, (response) => response.end('evil')) },
)

withStore(
  'a broken connection and a busy registry are tried again',
  async ({ registry, open }) => {
    registry.add('library/app', 'latest', await hello('patient'))
    assert.equal(read(await open().pull('app', [], signal), 'hello'), 'patient')
  },
  {
    intercept: spoilBlobs(2, (response) => {
      if (response.req.url?.length) response.writeHead(503).end()
    }),
  },
)

withStore('a layer that does not unpack to what the configuration names', async ({ registry, open }) => {
  const [a, b] = [await hello('a'), await hello('b')]
  const config = b.blobs[0]!
  const manifest = JSON.parse(Buffer.from(a.top.bytes).toString()) as { config: object }
  manifest.config = { mediaType: config.mediaType, digest: config.digest, size: config.bytes.length }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const { digestOf } = await import('../../../test/fixtures/build-image.ts')
  const top = { ...a.top, bytes, digest: digestOf(bytes) }
  registry.add('library/app', 'latest', { top, manifests: [top], blobs: [...a.blobs, config] })
  await assert.rejects(open().pull('app', [], signal), failsWith('ErrImagePull', /the unpacked layer is sha256:/))
})

withStore('imports an OCI layout from a tar file', async ({ dir, open }) => {
  const path = join(dir, 'My App.tar.gz')
  const image = await hello('layout')
  writeFileSync(path, gzipSync(await packLayout(image, { 'io.containerd.image.name': 'docker.io/library/app:v2' })))
  const [summary] = await open().import(path)
  assert.equal(summary?.reference, 'docker.io/library/app:v2')
  assert.equal(read((await open().find('app:v2'))!, 'hello'), 'layout')
  assert.deepEqual(
    (await open().list()).map(({ reference }) => reference),
    ['docker.io/library/app:v2'],
  )
})

withStore('imports under a name of the user', async ({ dir, open }) => {
  const path = join(dir, 'x.tar')
  writeFileSync(path, await packLayout(await hello('named'), { 'org.opencontainers.image.ref.name': 'v7' }))
  assert.equal((await open().import(path))[0]?.reference, 'docker.io/library/x:v7')
  assert.equal((await open().import(path, { name: 'mine:1' }))[0]?.reference, 'docker.io/library/mine:1')
})

withStore('imports a docker-save archive whose layers are links', async ({ dir, open }) => {
  const tar = await packTar([file('hello', 'saved')])
  const { digestOf } = await import('../../../test/fixtures/build-image.ts')
  const config = JSON.stringify({
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(tar), digestOf(tar)] },
  })
  const manifest = [{ Config: 'c.json', RepoTags: ['app:1', 'app:2'], Layers: ['a/layer.tar', 'b/layer.tar'] }]
  const link = { header: { name: 'b/layer.tar', type: 'symlink' as const, linkname: '../a/layer.tar', size: 0 } }
  const entries = [
    file('c.json', config),
    file('a/layer.tar', tar),
    link,
    file('manifest.json', JSON.stringify(manifest)),
  ]
  writeFileSync(join(dir, 's.tar'), await packTar(entries))
  const imported = await open().import(join(dir, 's.tar'))
  assert.deepEqual(
    imported.map(({ reference }) => reference),
    ['docker.io/library/app:1', 'docker.io/library/app:2'],
  )
  assert.equal(read((await open().find('app:2'))!, 'hello'), 'saved')
})

withStore('says why a file cannot be imported', async ({ dir, open }) => {
  writeFileSync(join(dir, 'e.tar'), await packTar([file('x', 'y')]))
  await assert.rejects(open().import(join(dir, 'e.tar')), /^Error: Cannot import .*neither an OCI layout/)
  await assert.rejects(open().import(join(dir, 'none.tar')), /^Error: Cannot import .*there is no such file/)
})
