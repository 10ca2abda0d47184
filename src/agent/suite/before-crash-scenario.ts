/** Starts pods, writes down what there is, and kills its own process without a word. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { hostImage, isReady, openAgents } from './agent-fixture.ts'

const [base = ''] = process.argv.slice(2)
const agents = await openAgents(base)
const ticking = 'n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done'
const main = { name: 'main', image: hostImage }
await agents.create('ticks', { containers: [{ ...main, command: ['sh', '-c', ticking] }] })
await agents.create('typed', { containers: [{ ...main, command: ['sh'], stdin: true, tty: true }] })
await agents.create('ends', {
  restartPolicy: 'Never',
  volumes: [{ name: 'base', hostPath: { path: base } }],
  containers: [
    {
      ...main,
      command: ['sh', '-c', 'while ! test -e /base/go; do sleep 0.02; done; exit 4'],
      volumeMounts: [{ name: 'base', mountPath: '/base' }],
    },
  ],
})
await agents.create('orphan', { nodeName: 'node-2', containers: [{ ...main, command: ['sleep', '600'] }] })
const pods = await Promise.all(['ticks', 'typed', 'ends', 'orphan'].map((name) => agents.until(name, isReady)))
const facts = pods.map(({ metadata, status }) => ({
  name: metadata.name,
  uid: metadata.uid,
  ip: status?.podIP,
  containerID: status?.containerStatuses?.[0]?.containerID,
}))
writeFileSync(path.join(base, 'facts.json'), JSON.stringify(facts))
process.kill(process.pid, 'SIGKILL')
