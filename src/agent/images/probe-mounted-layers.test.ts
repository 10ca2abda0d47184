import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectMountedLayers } from './probe-mounted-layers.ts'

const [a, b] = ['0123456789abcdef'.repeat(2), 'f'.repeat(32)]
const line = (options: string) =>
  `36 35 0:40 / /merged rw,relatime - overlay overlay rw,${options},upperdir=/u,workdir=/w\n`

const cases: [string, string, string[]][] = [
  ['nothing mounted', '22 1 254:0 / / rw - ext4 /dev/vda rw\n', []],
  ['whole paths', line(`lowerdir=/home/x/images/layers/${a}:/home/x/images/layers/${b}`), [a, b]],
  ['relative names', line(`lowerdir=${a}:${b}`), [a, b]],
  ['a flattened image', line(`lowerdir=/images/layers/flat-${a}`), [`flat-${a}`]],
  ['appended one by one', line(`lowerdir+=/l/${a},lowerdir+=/l/${b}`), [a, b]],
  ['overlays of others', line('lowerdir=/var/lib/docker/overlay2/l/ABC'), []],
]

for (const [name, mountinfo, expected] of cases) {
  test(`mounted layers: ${name}`, () => assert.deepEqual(selectMountedLayers(mountinfo), expected))
}
