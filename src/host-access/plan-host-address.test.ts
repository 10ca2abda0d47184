import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostAddressOf, hostPortOf } from './plan-host-address.ts'

const addresses: readonly (readonly [clusterIP: string, expected: string | undefined])[] = [
  ['10.96.12.34', '127.96.12.34'],
  ['10.127.0.1', '127.127.0.1'],
  ['None', undefined],
  ['', undefined],
  ['fd30:fd:0:1::c22', '127.160.12.34'],
  ['fd30:fd:31:1::1', '127.191.0.1'],
  ['fd30:fd:1f:1::1', undefined],
  ['fd30:fd:0:2::c22', undefined],
  ['fd00::1', undefined],
]
for (const [clusterIP, expected] of addresses) {
  test(`cluster IP ${JSON.stringify(clusterIP)}`, () => assert.equal(hostAddressOf(clusterIP), expected))
}

const ports: readonly { name: string; port: number; all: number[]; privileged?: boolean; expected: number }[] = [
  { name: 'a high port stays', port: 8080, all: [8080], expected: 8080 },
  { name: 'the first unprivileged port stays', port: 1024, all: [1024], expected: 1024 },
  { name: '80 becomes 8080', port: 80, all: [80, 443], expected: 8080 },
  { name: '443 becomes 8443', port: 443, all: [80, 443], expected: 8443 },
  { name: 'the last privileged port', port: 1023, all: [1023], expected: 9023 },
  { name: '80 beside 8080 becomes 18080', port: 80, all: [80, 8080], expected: 18_080 },
  { name: '80 beside 8080 and 18080 becomes 28080', port: 80, all: [8080, 80, 18_080], expected: 28_080 },
  { name: 'who may bind every port keeps it', port: 80, all: [80, 8080], privileged: true, expected: 80 },
]
for (const { name, port, all, privileged = false, expected } of ports) {
  test(name, () => assert.equal(hostPortOf(port, all, privileged), expected))
}
