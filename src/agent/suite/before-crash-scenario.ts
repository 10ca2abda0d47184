/** Starts pods, writes down what there is, and kills its own process without a word. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Pod } from '#api/pod.ts'
import { clusterPaths } from '#kernel/cluster-paths.ts'
import { findProgram } from '#kernel/find-program.ts'
import type { KernelBroker } from '#kernel/start-namespace-broker.ts'
import { hostImage, isReady, openAgents } from './agent-fixture.ts'

const [base = ''] = process.argv.slice(2)
const never = new Promise<never>(() => {})
const halfMade = Promise.withResolvers<void>()
const launched = Promise.withResolvers<void>()
/** The agent dies while this goes on: its network is not furnished, the other one's container not written down. */
const interrupted = (broker: KernelBroker): KernelBroker => ({
  ...broker,
  ensurePodSandbox: async (sandbox) => {
    if (sandbox.hostname !== 'half') return await broker.ensurePodSandbox(sandbox)
    const { ip: _ip, ip6: _ip6, ...others } = sandbox
    await broker.ensurePodSandbox(others)
    const netns = clusterPaths(path.join(base, 'run')).pod(sandbox.uid)
    writeFileSync(netns, '')
    execFileSync(findProgram('unshare'), [`--net=${netns}`, 'true'])
    halfMade.resolve()
    return await never
  },
  launchContainer: async (launch) => {
    const started = await broker.launchContainer(launch)
    if (!launch.env.includes('HOSTNAME=cut')) return started
    launched.resolve()
    return await never
  },
})
const agents = await openAgents(base, interrupted)
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
const port = 8080
await agents.create('half', {
  containers: [
    {
      ...main,
      command: [process.execPath, '-e', `require('node:net').createServer().listen(${port})`],
      readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    },
  ],
})
const cut = await agents.create('cut', {
  containers: [{ ...main, command: ['sh', '-c', `sleep 600; : unrecorded in ${base}`] }],
})
await Promise.all([halfMade.promise, launched.promise])
// Nobody starts it again: only its end is left to do.
await agents.client.of(Pod).delete({ namespace: 'default', name: cut.metadata.name })
const pods = await Promise.all(['ticks', 'typed', 'ends', 'orphan'].map((name) => agents.until(name, isReady)))
const facts = pods.map(({ metadata, status }) => ({
  name: metadata.name,
  uid: metadata.uid,
  ip: status?.podIP,
  containerID: status?.containerStatuses?.[0]?.containerID,
}))
writeFileSync(path.join(base, 'facts.json'), JSON.stringify(facts))
process.kill(process.pid, 'SIGKILL')
