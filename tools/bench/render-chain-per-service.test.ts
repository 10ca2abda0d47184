import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeService } from './make-service.ts'
import { renderChainPerService } from './render-chain-per-service.ts'

const ranges = { podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12' }
const services = [0, 1, 2].map((index) => makeService(index, 2))
const rules = renderChainPerService(services, ranges)

test('each Service port has one chain with one anonymous map, and one way into it', () => {
  for (const { service } of services) {
    const chain = `service-${service.metadata.namespace}/${service.metadata.name}/tcp/http`
    assert.equal(rules.split(`chain ${chain} {`).length, 2)
    assert.ok(rules.includes(`${service.spec!.clusterIP} . tcp . 80 : goto ${chain}`))
  }
  assert.equal(rules.match(/numgen random mod 2 map \{/g)?.length, services.length)
})

test('every endpoint is in a map', () => {
  assert.ok(rules.includes('map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }'))
})
