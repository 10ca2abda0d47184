/** The command line as a whole: commands, options, help, and the one place where failures become exit codes. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { CliError, exitCodeHelp, exitCodes, renderCliError } from './cli-error.ts'
import type { CliContext } from './context.ts'
import type { UpOptions } from './run-up.ts'

/** Runs one command line (without `node` and the script). @returns the exit code */
export async function runProgram(argv: readonly string[], context: CliContext): Promise<number> {
  try {
    await createProgram(context).parseAsync([...argv], { from: 'user' })
    return exitCodes.done
  } catch (error) {
    return reportFailure(error, context)
  }
}

function reportFailure(error: unknown, context: CliContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  if (error instanceof CliError) {
    context.say(renderCliError(error))
    return error.exitCode
  }
  if (context.signal.aborted) return 130
  const { message, stack } = error as Error
  context.say(`error: ${message}`)
  if (context.env['FRONTDESK_DEBUG']) context.say(stack ?? '')
  else context.say('  this was not expected; FRONTDESK_DEBUG=1 shows where it happened')
  return exitCodes.failed
}

function createProgram(context: CliContext): Command {
  const program = new Command('frontdesk')
    .description('Kubernetes Services, whole: a multi-node cluster on one Linux machine, without Docker, VM or root')
    .usage('COMMAND [options]')
    .exitOverride()
    .showHelpAfterError('(--help shows the options)')
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.say(text.trimEnd()),
    })
    .addHelpText('beforeAll', '')
    .addHelpText(
      'after',
      `\nExamples:\n  $ frontdesk up shop --nodes 3\n  $ kubectl --context frontdesk-shop get nodes\n\n${exitCodeHelp}`,
    )
  for (const add of [
    addUp,
    addDown,
    addStop,
    addLs,
    addStatus,
    addKubeconfig,
    addUrl,
    addImage,
    addDns,
    addDoctor,
    addDemo,
    addVersion,
  ]) {
    add(program, context)
  }
  return program
}

function withUpOptions(command: Command): Command {
  return command
    .option(
      '--kubeconfig <path>',
      'write the kubeconfig entry only to this file (default: $KUBECONFIG, else ~/.kube/config)',
    )
    .option('--no-kubeconfig', 'write no kubeconfig entry')
    .option('--switch', 'make the context current, whatever is current now')
    .option('--timeout <time>', 'how long to wait, for example 60s or 2m', '60s')
    .option('-q, --quiet', 'say nothing but errors')
}

function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)
}

function addUp(program: Command, context: CliContext): void {
  const command = program
    .command('up')
    .argument('[name]', 'cluster name (default: frontdesk)')
    .description('make a cluster, or bring it back; does nothing when it runs')
    .option('--nodes <n>', 'number of nodes')
    .option('--proxy-mode <mode>', 'what programs Services into the kernel: nftables')
    .option('--config <file>', 'cluster configuration (YAML), - for standard input')
    .option('--wait', 'wait until nodes are ready and names resolve (this is the default)')
    .option('--no-wait', 'return as soon as the API answers')
  example(
    withUpOptions(command),
    'frontdesk up',
    'frontdesk up shop --nodes 3',
    'frontdesk up --config cluster.yaml',
  ).action(async (name: string | undefined, options: UpOptions) => {
    await (await import('./run-up.ts')).runUp(context, name, options)
  })
}

function addDown(program: Command, context: CliContext): void {
  const command = program
    .command('down')
    .argument('[name]')
    .description('remove a cluster: processes, namespaces, rules, state, kubeconfig entry')
    .option('--all', 'every cluster of this user')
  example(command, 'frontdesk down shop', 'frontdesk down --all').action(
    async (name: string | undefined, options: { all?: boolean }) => {
      await (await import('./run-down.ts')).down(context, name, options)
    },
  )
}

function addStop(program: Command, context: CliContext): void {
  example(
    program
      .command('stop')
      .argument('[name]')
      .description('stop a cluster and keep its state; addresses stay the same'),
    'frontdesk stop shop',
  ).action(async (name: string | undefined) => (await import('./run-stop.ts')).stop(context, name))
  example(
    withUpOptions(program.command('start').argument('[name]').description('start a stopped cluster')),
    'frontdesk start shop',
  ).action(async (name: string | undefined, options: UpOptions) =>
    (await import('./run-stop.ts')).start(context, name, options),
  )
}

function outputOption(command: Command, ...formats: string[]): Command {
  const parse = (value: string): string => {
    if (formats.includes(value)) return value
    throw new InvalidArgumentError(`formats are ${formats.join(', ')}`)
  }
  return command.option('-o, --output <format>', formats.join(' or '), parse)
}

function addLs(program: Command, context: CliContext): void {
  example(
    outputOption(program.command('ls').alias('list').description('list clusters'), 'json', 'name'),
    'frontdesk ls -o json',
  ).action(async (options: { output?: string }) => (await import('./run-ls.ts')).ls(context, options))
}

function addStatus(program: Command, context: CliContext): void {
  example(
    outputOption(
      program.command('status').argument('[name]').description('nodes, addresses, data plane, limits, processes'),
      'json',
    ),
    'frontdesk status shop -o json',
  ).action(async (name: string | undefined, options: { output?: string }) => {
    await (await import('./run-status.ts')).status(context, name, options)
  })
}

function addKubeconfig(program: Command, context: CliContext): void {
  const command = program
    .command('kubeconfig')
    .argument('[name]')
    .description("print a cluster's kubeconfig, or merge it into a file")
    .option('--merge', 'merge into $KUBECONFIG, else ~/.kube/config')
    .option('--kubeconfig <path>', 'merge into this file')
    .option('--switch', 'make the context current')
  example(command, 'frontdesk kubeconfig shop > shop.yaml', 'frontdesk kubeconfig shop --merge --switch').action(
    async (name: string | undefined, options: object) =>
      (await import('./run-kubeconfig.ts')).kubeconfig(context, name, options),
  )
}

function addUrl(program: Command, context: CliContext): void {
  const command = program
    .command('url')
    .argument('<service>', 'svc/NAME')
    .description('print a URL of a Service that works from this host')
    .option('-n, --namespace <namespace>', 'namespace of the Service', 'default')
    .option('--name <cluster>', 'cluster (default: the only one, else frontdesk)')
    .option('--port <port>', 'port name or number, when the Service has several')
  example(command, 'curl "$(frontdesk url svc/hello)"', 'frontdesk url svc/web -n shop --port metrics').action(
    async (target: string, options: { namespace: string; name?: string; port?: string }) => {
      await (await import('./run-url.ts')).url(context, target, options)
    },
  )
}

function addDns(program: Command, context: CliContext): void {
  const dns = program.command('dns').description('how names resolve')
  const trace = dns
    .command('trace')
    .argument('<pod>')
    .argument('<name>', 'what the pod looks up')
    .description('ask what a pod asks for a name, from its network: each question, answer and time')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('--name <cluster>', 'cluster (default: the only one, else frontdesk)')
  example(
    outputOption(trace, 'json'),
    'frontdesk dns trace web-0 redis',
    'frontdesk dns trace web-0 example.com -n shop',
  ).action(async (pod: string, name: string, options: { namespace: string; name?: string; output?: string }) =>
    (await import('./run-dns.ts')).dnsTrace(context, pod, name, options),
  )
}

function addImage(program: Command, context: CliContext): void {
  const image = program.command('image').description('images on this machine, shared by all clusters')
  example(
    image
      .command('import')
      .argument('<file>', 'OCI layout (directory or tar) or docker-save archive')
      .description('add images from an archive')
      .option('--name <reference>', 'name for an image that the archive does not name'),
    'docker save web:1 > web.tar && frontdesk image import web.tar',
  ).action(async (file: string, options: { name?: string }) =>
    (await import('./run-image.ts')).importImage(context, file, options),
  )
  outputOption(image.command('ls').description('list images'), 'json', 'name').action(
    async (options: { output?: string }) => {
      await (await import('./run-image.ts')).listImages(context, options)
    },
  )
  image
    .command('rm')
    .argument('<reference...>')
    .description('remove images; what is not there is fine')
    .action(async (references: string[]) => (await import('./run-image.ts')).removeImages(context, references))
}

function addDoctor(program: Command, context: CliContext): void {
  example(
    outputOption(program.command('doctor').description('test what this host can do, by doing it'), 'json'),
    'frontdesk doctor',
  ).action(async (options: { output?: string }) => (await import('./run-doctor.ts')).doctor(context, options))
}

function addDemo(program: Command, context: CliContext): void {
  example(
    program
      .command('demo')
      .argument('[name]')
      .description('three nodes, a Service with three pods, and an answer of each'),
    'frontdesk demo',
  ).action(async (name: string | undefined) => (await import('./run-demo.ts')).demo(context, name))
}

function addVersion(program: Command, context: CliContext): void {
  outputOption(
    program.command('version').description('versions of frontdesk, Kubernetes, Node and the kernel'),
    'json',
  ).action(async (options: { output?: string }) => (await import('./run-version.ts')).version(context, options))
}
