import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PullError } from './contract.ts'
import { formatReference, parseReference } from './parse-reference.ts'

const digest = `sha256:${'ab'.repeat(32)}`

const valid: [string, string][] = [
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36'],
  ['hashicorp/http-echo', 'docker.io/hashicorp/http-echo:latest'],
  ['docker.io/busybox', 'docker.io/library/busybox:latest'],
  ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest'],
  ['ghcr.io/a/b/c:v1.2-x', 'ghcr.io/a/b/c:v1.2-x'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
  ['127.0.0.1:5000/app', '127.0.0.1:5000/app:latest'],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  ['registry/app', 'docker.io/registry/app:latest'],
  ['Registry/app', 'Registry/app:latest'],
  ['a__b/c--d.e', 'docker.io/a__b/c--d.e:latest'],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
  [`busybox:1.36@${digest}`, `docker.io/library/busybox@${digest}`],
  [`localhost:5000/a@${digest}`, `localhost:5000/a@${digest}`],
]

const invalid: [string, RegExp][] = [
  ['', /invalid reference format/],
  ['Busybox', /must be lowercase/],
  ['a/B', /must be lowercase/],
  ['busybox:', /invalid reference format/],
  ['busybox:-x', /invalid reference format/],
  ['busy box', /invalid reference format/],
  ['/busybox', /invalid reference format/],
  ['a//b', /invalid reference format/],
  ['a/../b', /invalid reference format/],
  ['busybox@sha256:abc', /invalid reference format/],
  ['busybox@md5:aa', /invalid reference format/],
  ['https://ghcr.io/a/b', /invalid reference format/],
  ['-host.io/a', /invalid reference format/],
  ['ab'.repeat(32), /bare image id/],
  [`docker.io/${'a'.repeat(256)}`, /not be more than 255/],
]

for (const [text, expected] of valid) {
  test(`the reference ${text} means ${expected}`, () => {
    const parsed = parseReference(text)
    assert.equal(formatReference(parsed), expected)
    assert.equal(formatReference(parseReference(expected)), expected)
  })
}

for (const [text, expected] of invalid) {
  test(`the reference ${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    assert.throws(
      () => parseReference(text),
      (error) => error instanceof PullError && error.reason === 'InvalidImageName' && expected.test(error.message),
    )
  })
}
