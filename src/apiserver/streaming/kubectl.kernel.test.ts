/** The real kubectl against a real server and pods that are small programs; both transports of each stream. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { openHttpsServer, type TestHttpsServer } from '../suite/open-https-server.ts'

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0
const skip = hasKubectl ? false : 'there is no kubectl on this machine'

let server: TestHttpsServer
let directory: string
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'apiserver-kubectl-'))
  server = await openHttpsServer()
  await writeFile(path.join(directory, 'config'), server.kubeconfig)
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

const transports = {
  WebSocket: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'true', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'true' },
  SPDY: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
}

function start(args: readonly string[], env: Record<string, string>): ChildProcess {
  // Its own HOME: discovery must not come from somebody's cache.
  const own = { PATH: process.env.PATH, HOME: directory, KUBECONFIG: path.join(directory, 'config') }
  return spawn('kubectl', args, { env: { ...own, ...env } })
}

async function run(args: readonly string[], env: Record<string, string>, input: string | Buffer = '') {
  const child = start(args, env)
  child.stdin!.on('error', () => {})
  child.stdin!.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout!),
    buffer(child.stderr!),
    once(child, 'close'),
  ])
  return { stdout, stderr: stderr.toString(), code: code as number }
}

for (const [name, env] of Object.entries(transports)) {
  describe(`kubectl over ${name}`, { skip }, () => {
    test('exec: output, errors, exit code', async () => {
      const { stdout, stderr, code } = await run(['exec', 'web', '--', 'exit', '3'], env)
      assert.equal(stdout.toString(), 'to stdout\n')
      assert.match(stderr, /^to stderr\ncommand terminated with exit code 3/)
      assert.equal(code, 3)
    })

    test('exec: 3 MB of binary input comes back', async () => {
      const sent = randomBytes(3_000_000)
      const { stdout, code } = await run(['exec', '-i', 'web', '--', 'cat'], env, sent)
      assert.equal(code, 0)
      assert.ok(stdout.equals(sent))
    })

    test('exec: 8 MB of output', async () => {
      const { stdout } = await run(['exec', 'web', '--', 'zeros', '8000000'], env)
      assert.equal(stdout.length, 8_000_000)
    })

    test('exec: a quick command loses nothing, ten times', async () => {
      for (let n = 0; n < 10; n++) {
        const { stdout, stderr } = await run(['exec', 'web', '--', 'echo', String(n)], env)
        assert.deepEqual([stdout.toString(), stderr], [`${n}\n`, ''])
      }
    })

    test('exec: what cannot be done is said', async () => {
      const missing = await run(['exec', 'web', '--', 'nothing'], env)
      assert.match(missing.stderr, /exec: "nothing": executable file not found/)
      assert.equal(missing.code, 1)
      assert.match(
        (await run(['exec', 'two', '-c', 'x', '--', 'echo'], env)).stderr,
        /container x is not valid for pod two/,
      )
    })

    test('attach: input comes back', async () => {
      const { stdout } = await run(['attach', '-i', 'web'], env, 'hello\n')
      assert.equal(stdout.toString(), 'hello\n')
    })

    test('port-forward: 8 MB each way, an HTTP request, several connections', async () => {
      const child = start(['port-forward', 'pod/web', ':7', ':80'], env)
      try {
        const [echo, web] = await forwardedPorts(child, 2)
        const sent = randomBytes(8 * 1024 * 1024)
        const received = await Promise.all([exchange(echo!, sent), exchange(echo!, sent.subarray(0, 100_000))])
        assert.ok(received[0]!.equals(sent))
        assert.ok(received[1]!.equals(sent.subarray(0, 100_000)))
        const answer = await fetch(`http://127.0.0.1:${web}/hello`)
        assert.equal(((await answer.json()) as { url: string }).url, '/hello')
      } finally {
        child.kill()
        await once(child, 'close')
      }
    })

    test('port-forward: a refused port is said', async () => {
      const child = start(['port-forward', 'pod/web', ':99'], env)
      const said = buffer(child.stderr!)
      const [port] = await forwardedPorts(child, 1)
      await exchange(port!, Buffer.from('x')).catch(() => {})
      child.kill()
      assert.match((await said).toString(), /error forwarding port 99 to pod web: connect: connection refused/)
    })
  })
}

describe('kubectl', { skip }, () => {
  test('logs: whole, tail, follow', async () => {
    const ref = { namespace: 'default', pod: 'web', container: 'main' }
    for (const line of ['one', 'two', 'three']) server.podStreams.log(ref, line)
    assert.equal((await run(['logs', 'web'], {})).stdout.toString(), 'one\ntwo\nthree\n')
    assert.equal((await run(['logs', 'web', '--tail=1'], {})).stdout.toString(), 'three\n')
    const child = start(['logs', '-f', 'web', '--tail=1'], {})
    await once(child.stdout!, 'data')
    const more = once(child.stdout!, 'data')
    server.podStreams.log(ref, 'four')
    assert.equal(String((await more)[0]), 'four\n')
    child.kill()
    await once(child, 'close')
  })

  test('logs of a container that waits tell why', async () => {
    const { stderr } = await run(['logs', 'pending'], {})
    assert.match(stderr, /container "main" in pod "pending" is waiting to start: ContainerCreating/)
  })

  test('get --raw through a Service', async () => {
    const { stdout } = await run(['get', '--raw', '/api/v1/namespaces/default/services/web:http/proxy/x?y=1'], {})
    assert.equal((JSON.parse(stdout.toString()) as { url: string }).url, '/x?y=1')
  })

  test('auth whoami and can-i', async () => {
    assert.match((await run(['auth', 'whoami'], {})).stdout.toString(), /Username +kubernetes-admin/)
    assert.equal((await run(['auth', 'can-i', 'delete', 'nodes'], {})).stdout.toString(), 'yes\n')
    const bob = await run(['auth', 'can-i', 'delete', 'pods', '--token=nobodys-token', ...asToken()], {})
    assert.equal(bob.stdout.toString(), 'no\n')
  })
})

/** The certificate of the kubeconfig would win over a token. */
const asToken = () => ['--server', server.url, '--insecure-skip-tls-verify', '--kubeconfig', '/dev/null']

async function forwardedPorts(child: ChildProcess, count: number): Promise<number[]> {
  const ports: number[] = []
  let text = ''
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    ports.splice(0, ports.length, ...[...text.matchAll(/127\.0\.0\.1:(\d+) ->/g)].map((match) => Number(match[1])))
    if (ports.length === count) break
  }
  // A pipe that nobody reads would stop kubectl.
  child.stdout!.resume()
  return ports
}

function exchange(port: number, sent: Buffer): Promise<Buffer> {
  const socket = net.connect(port, '127.0.0.1')
  socket.end(sent)
  return buffer(socket)
}
