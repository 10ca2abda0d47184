/** A new process: everything that runs is taken over as it is, what ended meanwhile is reported. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Pod } from '#api/pod.ts'
import { hostImage, isReady, openAgents, textOf } from './agent-fixture.ts'

const [base = ''] = process.argv.slice(2)
setTimeout(() => process.exit(1), 60_000).unref()
type Fact = { readonly name: string; readonly uid: string; readonly ip: string; readonly containerID: string }
const facts = JSON.parse(readFileSync(path.join(base, 'facts.json'), 'utf8')) as Fact[]
const factOf = (name: string) => facts.find((fact) => fact.name === name)!

// While nobody is there, one container ends, and the others go on.
writeFileSync(path.join(base, 'go'), '')
const exitFile = path.join(base, 'pods', factOf('ends').uid, 'containers', 'main', '0', 'exit')
while (!existsSync(exitFile) || readFileSync(exitFile, 'utf8') === '') await delay(5)
const tickLog = path.join(base, 'pods', factOf('ticks').uid, 'containers', 'main', '0', 'log')
const linesBefore = readFileSync(tickLog, 'utf8').split('\n').length

await using agents = await openAgents(base)
for (const name of ['ticks', 'typed']) {
  const pod = await agents.until(name, isReady)
  const { ip, containerID } = factOf(name)
  assert.equal(pod.status?.podIP, ip)
  assert.equal(pod.status?.containerStatuses?.[0]?.containerID, containerID, `${name} is the same container`)
  assert.equal(pod.status?.containerStatuses?.[0]?.restartCount, 0)
}
const ended = await agents.until('ends', (pod) => pod.status?.phase === 'Failed')
assert.equal(ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 4)
process.stdout.write('passed: adopted\n')

await agents.until('half', isReady)
const runs = (words: string) => (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words)
  } catch {
    return false
  }
}
const names = async () => (await agents.client.of(Pod).list({ namespace: 'default' })).items.map((p) => p.metadata.name)
while ((await names()).includes('cut') || readdirSync('/proc').some(runs(`sleep 600; : unrecorded in ${base}`)))
  await delay(5)
process.stdout.write('passed: interrupted\n')

const lines = readFileSync(tickLog, 'utf8').trim().split('\n').map(Number)
assert.ok(lines.length > linesBefore, 'it went on writing')
assert.deepEqual(
  lines,
  lines.map((_, index) => index + 1),
  'without a gap',
)
process.stdout.write('passed: output\n')

const ref = { namespace: 'default', pod: 'typed', container: 'main' }
const options = { stdin: true, stdout: true, stderr: false, tty: true }
const session = await agents.streams.attach(ref, options, agents.signal)
session.resize({ width: 99, height: 33 })
await session.writeStdin(Buffer.from('stty size\n'))
let screen = ''
for await (const chunk of session.stdout) {
  screen += Buffer.from(chunk).toString()
  if (screen.includes('33 99')) break
}
session.close()
const log = await agents.streams.logs(ref, { follow: false, previous: false, timestamps: false }, agents.signal)
assert.match(await textOf(log), /33 99/)
process.stdout.write('passed: terminal\n')

const fresh = await agents.create('fresh', {
  containers: [{ name: 'main', image: hostImage, command: ['sleep', '600'] }],
})
const freshIp = (await agents.until(fresh.metadata.name, isReady)).status?.podIP
assert.ok(!facts.some(({ ip }) => ip === freshIp), 'addresses in use are not given again')
for (const name of ['ticks', 'typed', 'ends', 'fresh', 'orphan', 'half']) await agents.remove(name, 1)
assert.equal((await agents.client.of(Pod).list({ namespace: 'default' })).items.length, 0)
for (const { uid } of facts) {
  while (existsSync(path.join(base, 'pods', uid))) await delay(5)
  assert.ok(!existsSync(agents.paths.pod(uid)), 'the network has gone')
}
process.stdout.write('passed: removed\n')
