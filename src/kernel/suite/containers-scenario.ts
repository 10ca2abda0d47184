/** Containers as the kernel layer starts them: isolation, exit codes, networks, further commands, terminals. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { connectInNetns } from '../connect-in-netns.ts'
import { runInContainer, type RunningCommand } from '../run-in-container.ts'
import { isRunning } from '../process-identity.ts'
import { containerPid, signalContainer, untilEntered } from '../sandbox/container-process.ts'
import { openCluster, type ClusterFixture, type StartedPod } from './cluster-fixture.ts'

const [base = ''] = process.argv.slice(2)
const node = process.execPath

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  try {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EIO')
  }
  return text
}

async function enter(pod: StartedPod, argv: readonly string[], tty = false): Promise<RunningCommand> {
  const pid = await untilEntered(pod.shim, path.join(pod.dir, 'rootfs'))
  assert.ok(pid !== undefined, 'the container runs')
  return runInContainer({ pid, argv, env: pod.env, uid: 0, gid: 0, stdin: true, tty })
}

async function exitCodes(cluster: ClusterFixture): Promise<void> {
  const ended = await cluster.start('exit-code', 1, ['sh', '-c', 'exit 42'])
  assert.equal(await ended.exited(), 42)
  const killed = await cluster.start('killed', 1, ['sleep', '60'])
  await untilEntered(killed.shim, path.join(killed.dir, 'rootfs'))
  assert.ok(signalContainer(killed.shim, 9))
  assert.equal(await killed.exited(), 137)
  assert.equal(killed.log(), '', 'the shim says nothing')
  const handled = await cluster.start('handled', 1, [
    'sh',
    '-c',
    'trap "exit 3" TERM; echo set; while :; do sleep 0.01; done',
  ])
  while (!handled.log().includes('set')) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(signalContainer(handled.shim, 15))
  assert.equal(await handled.exited(), 3)
  await assert.rejects(cluster.start('missing', 1, ['/no/such/program']), /no such file or directory/)
  await assert.rejects(cluster.start('unknown', 1, ['no-such-program']), /executable file not found in \$PATH/)
}

async function isolation(cluster: ClusterFixture): Promise<void> {
  const volume = path.join(base, 'volume')
  mkdirSync(volume)
  writeFileSync(path.join(volume, 'given'), 'from outside')
  const commands = [
    'hostname',
    'echo "pid $$"',
    'cat /etc/hosts',
    'cat /data/given',
    'echo written > /data/taken',
    'echo changed > /usr/frontdesk-scenario && cat /usr/frontdesk-scenario',
    'echo no > /readonly/x || echo refused',
    `test -e ${cluster.paths.underlay} || echo hidden`,
    'ls /sys/class/net | tr "\\n" " "',
  ]
  const mounts = [
    { source: volume, target: '/data', readOnly: false },
    { source: volume, target: '/readonly', readOnly: true },
  ]
  const pod = await cluster.start('isolated', 1, ['sh', '-c', commands.join('; ')], { mounts })
  assert.equal(await pod.exited(), 0)
  const log = pod.log()
  for (const expected of [
    'isolated\n',
    'pid 1\n',
    'localhost isolated',
    'from outside',
    'changed',
    'refused',
    'hidden',
    'eth0',
  ])
    assert.ok(log.includes(expected), `${expected} in ${log}`)
  assert.equal(readFileSync(path.join(volume, 'taken'), 'utf8'), 'written\n')
  assert.ok(!existsSync('/usr/frontdesk-scenario'), 'the machine keeps its own files')
}

async function networks(cluster: ClusterFixture): Promise<void> {
  const script = (name: string) =>
    `require('net').createServer((s)=>{s.on('error',()=>{});s.end('${name} '+s.remoteAddress)}).listen(8080,()=>console.log('up'))`
  const server = await cluster.start('server', 1, [node, '-e', script('server')])
  while (!server.log().includes('up')) await new Promise((resolve) => setImmediate(resolve))
  for (const address of [server.ip, ...(server.ip6 === undefined ? [] : [server.ip6])]) {
    const isIpv6 = address === server.ip6
    const client = `const s=require('net').connect(8080,'${address}');s.pipe(process.stdout)`
    for (const number of [1, 2] as const) {
      const pod = await cluster.start(`client-${number}${isIpv6 ? '-ipv6' : ''}`, number, [node, '-e', client])
      assert.equal(await pod.exited(), 0, pod.log())
      const seen = isIpv6 ? pod.ip6 : `::ffff:${pod.ip}`
      assert.equal(pod.log(), `server ${seen}`, `from node ${number}, with the pod's own address`)
    }
  }
  const signal = AbortSignal.timeout(5_000)
  for (const netns of [cluster.paths.node(1), cluster.paths.node(2), cluster.paths.underlay]) {
    for (const address of [server.ip, server.ip6]) {
      if (address === undefined) continue
      const socket = await connectInNetns(cluster.broker, { netns, address, port: 8080 }, signal)
      assert.match(await readAll(socket), /^server/)
    }
  }
  const refused = connectInNetns(cluster.broker, { netns: cluster.paths.node(2), address: server.ip, port: 1 }, signal)
  await assert.rejects(refused, /connection refused/)
  // An address that no pod has is refused at once, it does not go round until its time to live is over.
  for (const address of ['10.214.1.250', ...(server.ip6 === undefined ? [] : ['fd30:fd:30:101::fa'])]) {
    const nobody = connectInNetns(cluster.broker, { netns: cluster.paths.node(2), address, port: 1 }, signal)
    await assert.rejects(nobody, /no route to host|network is unreachable/, address)
  }
  signalContainer(server.shim, 9)
}

async function commands(cluster: ClusterFixture): Promise<void> {
  const pod = await cluster.start('commands', 2, ['sleep', '60'])
  const piped = await enter(pod, ['sh', '-c', 'cat; echo oops >&2; exit 7'])
  await piped.write(Buffer.from('typed'))
  piped.endStdin()
  assert.deepEqual(await Promise.all([readAll(piped.stdout), readAll(piped.stderr!), piped.exitCode]), [
    'typed',
    'oops\n',
    7,
  ])
  const terminal = await enter(pod, ['sh'], true)
  terminal.resize(132, 40)
  await terminal.write(Buffer.from('tty; stty size; exit 5\n'))
  const [screen, code] = await Promise.all([readAll(terminal.stdout), terminal.exitCode])
  assert.match(screen, /\/dev\/pts\/0\r\n40 132\r\n/)
  assert.equal(code, 5)
  const endless = await enter(pod, ['sleep', '600'])
  endless.kill()
  assert.equal(await endless.exitCode, 137)
  await assert.rejects(enter(pod, ['no-such-program']), /executable file not found/)
  signalContainer(pod.shim, 9)
  await pod.exited()
}

/** As when whoever had started it was killed before it could write that down. */
async function launchedTwice(cluster: ClusterFixture): Promise<void> {
  const first = await cluster.start('twice', 1, ['sh', '-c', 'touch /usr/first; echo began; sleep 600'])
  while (!first.log().includes('began')) await new Promise((resolve) => setImmediate(resolve))
  const program = containerPid(first.shim)
  const second = await cluster.relaunch('twice', ['sh', '-c', 'test ! -e /usr/first && exit 6'])
  while (isRunning(first.shim) || existsSync(`/proc/${program}`)) await new Promise((resolve) => setImmediate(resolve))
  while (isRunning(second.shim)) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(readFileSync(path.join(first.dir, 'exit'), 'utf8').trim(), '6')
}

await using cluster = await openCluster(base)
for (const scenario of [exitCodes, isolation, networks, commands, launchedTwice]) {
  await scenario(cluster)
  process.stdout.write(`passed: ${scenario.name}\n`)
}
