/** The same formats as other people's programs write them: Debian's docker-registry and skopeo. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '#observe/log.ts'
import { buildImage, file, packLayout } from '../../../test/fixtures/build-image.ts'
import { findProgram } from '../../../test/fixtures/find-programs.ts'
import { pushImage } from '../../../test/fixtures/push-image.ts'
import { runDockerRegistry } from '../../../test/fixtures/run-docker-registry.ts'
import { openImageStore } from './open-image-store.ts'

const image = await buildImage({ layers: [[file('a', '1')], [file('b', '2')]], config: { Cmd: ['/b'] } })
const registryProgram = findProgram('docker-registry', 'docker-registry')
const skopeo = findProgram('skopeo', 'skopeo')
const skip = (found: typeof skopeo) => ('missing' in found ? found.missing : false)
const pathOf = (found: typeof skopeo) => ('path' in found ? found.path : '')

const withDir = async (body: (dir: string) => Promise<void>) => {
  const dir = mkdtempSync(join(tmpdir(), 'frontdesk-real-'))
  try {
    await body(dir)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test("pulls from Debian's docker-registry", { skip: skip(registryProgram) }, () =>
  withDir(async (dir) => {
    await using registry = await runDockerRegistry(pathOf(registryProgram))
    await pushImage(registry.url, { repository: 'team/app', tag: 'v1' }, image)
    const store = openImageStore({ dir, registries: {}, log: silentLog })
    const signal = AbortSignal.timeout(30_000)
    const pulled = await store.pull(`${registry.host}/team/app:v1`, [], signal)
    assert.equal(readFileSync(join(pulled.layers[1]!, 'b'), 'utf8'), '2')
    assert.equal(pulled.repoDigest, `${registry.host}/team/app@${image.top.digest}`)
    await assert.rejects(store.pull(`${registry.host}/team/app:v2`, [], signal), /v2": not found .*manifest unknown/)
  }),
)

for (const format of ['docker-archive', 'oci-archive', 'oci']) {
  test(`imports what skopeo writes as ${format}`, { skip: skip(skopeo) }, () =>
    withDir(async (dir) => {
      const source = join(dir, 'source')
      const target = join(dir, 'target')
      mkdirSync(source)
      writeFileSync(`${source}.tar`, await packLayout(image, { 'org.opencontainers.image.ref.name': 'v1' }))
      execFileSync('tar', ['-xf', `${source}.tar`, '-C', source, '--no-same-owner'])
      const name = format === 'docker-archive' ? 'team/app:v1' : 'v1'
      execFileSync(pathOf(skopeo), ['copy', '--insecure-policy', `oci:${source}:v1`, `${format}:${target}:${name}`], {
        stdio: 'pipe',
      })
      const store = openImageStore({ dir: join(dir, 'store'), registries: {}, log: silentLog })
      const [summary] = await store.import(target)
      const expected = format === 'docker-archive' ? 'docker.io/team/app:v1' : 'docker.io/library/target:v1'
      assert.equal(summary?.reference, expected)
      const found = await store.find(expected)
      assert.deepEqual(found?.config.cmd, ['/b'])
      assert.equal(readFileSync(join(found.layers[1]!, 'b'), 'utf8'), '2')
    }),
  )
}
