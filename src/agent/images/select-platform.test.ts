import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Descriptor } from './parse-manifest.ts'
import { platformOf, selectPlatform } from './select-platform.ts'

const entry = (name: string): Descriptor => {
  const [os = '', architecture = '', variant] = name.split('/')
  const digest = `sha256:${name}`
  return { mediaType: '', digest, size: 1, platform: { os, architecture, ...(variant ? { variant } : {}) } }
}

const cases: [string, string, string[], string | undefined][] = [
  ['amd64 on x64', 'x64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
  ['arm64 with variant', 'arm64', ['linux/amd64', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['arm64 without variant', 'arm64', ['linux/arm64'], 'linux/arm64'],
  ['arm takes its own variant', 'arm', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7'],
  ['arm takes the next older variant', 'arm', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v8'], 'linux/arm/v6'],
  ['amd64 does not take v3', 'x64', ['linux/amd64/v3'], undefined],
  ['windows is not linux', 'x64', ['windows/amd64'], undefined],
  ['attestations are no images', 'x64', ['unknown/unknown', 'linux/amd64'], 'linux/amd64'],
  ['nothing for this machine', 's390x', ['linux/amd64', 'linux/arm64'], undefined],
]

for (const [name, arch, available, expected] of cases) {
  test(`platform: ${name}`, () => {
    const chosen = selectPlatform(available.map(entry), platformOf(arch))
    assert.equal(chosen?.digest, expected && `sha256:${expected}`)
  })
}

test('platform: a lone entry that names no platform is taken', () => {
  const only: Descriptor = { mediaType: '', digest: 'sha256:x', size: 1 }
  assert.equal(selectPlatform([only], platformOf('x64')), only)
})
