/** kubectl's own tools: exec, a terminal, logs, port-forward, cp, and deleting a namespace. */
import assert from 'node:assert/strict'
import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import { askFromHost, listPods, waitForEndpoints } from './observe-cluster.ts'
import { renderDeployment, renderService } from './manifests.ts'
import { runCommand, type RunningCommand } from './run-command.ts'
import type { SuiteContext } from './suite.ts'
import { waitFor, yes } from './wait-for.ts'

export async function checkTools({ step, registry }: SuiteContext): Promise<void> {
  await step('exec passes output, input and exit codes', async (cluster) => {
    assert.equal((await cluster.kubectl(['exec', 'shell', '--', 'hostname'])).trim(), 'shell')
    assert.equal(await cluster.kubectl(['exec', '-i', 'shell', '--', 'cat'], { input: 'in and out' }), 'in and out')
    const failed = await cluster.tryKubectl(['exec', 'shell', '--', 'sh', '-c', 'echo oops >&2; exit 7'])
    assert.equal(failed.code, 7)
    assert.match(failed.stderr, /oops/)
  })

  await step('exec gives a real terminal', async (cluster) => {
    const kubeconfig = join(cluster.user.home, `${cluster.name}.kubeconfig`)
    const command = `kubectl --kubeconfig ${kubeconfig} exec -it shell -- sh -c "tty; stty size"`
    const script = ['script', '-qec', `stty rows 33 cols 101; ${command}`, '/dev/null']
    const shown = await runCommand(script, { user: cluster.user })
    assert.match(shown, /\/dev\/pts\/\d+/)
    assert.match(shown, /33 101/)
  })

  await step('logs -f follows', async (cluster) => {
    const { pod, ip } = (await waitForEndpoints(cluster, 'hello-svc', 3))[0]!
    const following = cluster.startKubectl(['logs', '-f', pod])
    const output = collect(following)
    try {
      await waitFor('the first line', async () => yes(output().includes('server is listening')))
      await cluster.kubectl(['exec', 'shell', '--', 'wget', '-qO-', `http://${ip}:5678/followed`])
      await waitFor('the line of the request', async () => yes(output().includes('/followed')), 10_000)
    } finally {
      following.kill()
    }
  })

  await step('port-forward to a Service', async (cluster) => {
    const pods = (await waitForEndpoints(cluster, 'hello-svc', 3)).map(({ pod }) => pod)
    const forwarding = cluster.startKubectl(['port-forward', 'svc/hello-svc', ':80'])
    const output = collect(forwarding)
    try {
      const port = await waitFor('a port', async () => /127\.0\.0\.1:(\d+) -> 5678/.exec(output())?.[1])
      for (let i = 0; i < 5; i++) assert.ok(pods.includes(await askFromHost('127.0.0.1', Number(port))))
    } finally {
      forwarding.kill()
    }
  })

  await step('cp there and back', async (cluster) => {
    const content = Array.from({ length: 5000 }, (_, line) => `line ${line}`).join('\n')
    const [there, back] = [join(cluster.user.home, 'there'), join(cluster.user.home, 'back')]
    await writeFile(there, content)
    if (cluster.user.ids) await chown(there, cluster.user.ids.uid, cluster.user.ids.gid)
    await cluster.kubectl(['cp', there, 'shell:/tmp/copied'])
    await cluster.kubectl(['cp', 'shell:/tmp/copied', back])
    assert.equal(await readFile(back, 'utf8'), content)
  })

  await step('an image that does not exist: ErrImagePull, then ImagePullBackOff', async (cluster) => {
    await cluster.kubectl(['run', 'nope', `--image=${registry.host}/no/such:v1`, '--restart=Never'])
    const reason = async () => waitingReason(cluster, 'nope')
    await waitFor('ErrImagePull or ImagePullBackOff', async () =>
      yes(/ErrImagePull|ImagePullBackOff/.test(await reason())),
    )
    await waitFor('ImagePullBackOff', async () => yes((await reason()) === 'ImagePullBackOff'))
    assert.match(await cluster.kubectl(['describe', 'pod', 'nope']), /Failed to pull image .*not found/)
    await cluster.kubectl(['delete', 'pod', 'nope'])
  })

  await step('deleting a namespace empties it', async (cluster) => {
    await cluster.kubectl(['create', 'namespace', 'shop'])
    const inShop = ['-n', 'shop']
    await cluster.kubectl(['apply', '-f', '-', ...inShop], { input: renderDeployment({ name: 'web', replicas: 2 }) })
    await cluster.kubectl(['apply', '-f', '-', ...inShop], { input: renderService({ name: 'web' }) })
    await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s', ...inShop])
    await cluster.kubectl(['delete', 'namespace', 'shop', '--timeout=60s'])
    const { code, stderr } = await cluster.tryKubectl(['get', 'namespace', 'shop'])
    assert.notEqual(code, 0)
    assert.match(stderr, /NotFound/)
    assert.deepEqual(await listPods(cluster, inShop), [])
  })
}

interface WaitingPod {
  readonly status: {
    readonly containerStatuses?: readonly { readonly state?: { readonly waiting?: { readonly reason?: string } } }[]
  }
}

async function waitingReason(cluster: Cluster, pod: string): Promise<string> {
  const { status } = await cluster.get<WaitingPod>(['pod', pod])
  return status.containerStatuses?.[0]?.state?.waiting?.reason ?? ''
}

function collect(command: RunningCommand): () => string {
  let text = ''
  for (const stream of [command.stdout, command.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return () => text
}
