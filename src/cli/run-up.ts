/** `frontdesk up`: makes a cluster, or brings a stopped or half-dead one back; does nothing when it runs. */
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { lockFile } from '#kernel/file-lock.ts'
import { hasIpv6 } from '#kernel/probe-ipv6.ts'
import { removeTree } from '#kernel/remove-tree.ts'
import { CliError, exitCodes } from './cli-error.ts'
import { type ClusterRecord, loadBalancerPools } from './cluster-record.ts'
import type { CliContext } from './context.ts'
import { contextName } from './kubeconfig-entry.ts'
import { listClusterNames, readClusterRecord, writeClusterRecord } from './open-cluster-records.ts'
import { findFreeIndex, findFreePort } from './open-free-ports.ts'
import { type ClusterConfig, everyFamily, parseNodes, parseProxyMode } from './parse-cluster-options.ts'
import { findSharedPool } from './parse-load-balancer.ts'
import { createSteps, type Steps } from './render-steps.ts'
import { applyDnsSettings } from './apply-dns-settings.ts'
import { findRole, startCluster, stopCluster } from './run-cluster.ts'
import { checkClusterName, defaultClusterName } from './select-cluster.ts'
import { type ClusterPaths, type Home, selectClusterPaths, selectHome } from './select-cluster-paths.ts'

export interface UpOptions {
  readonly nodes?: string
  readonly proxyMode?: string
  /** Path of a config file, or `-` for standard input. */
  readonly config?: string
  /** Write only here; false: write nothing. */
  readonly kubeconfig?: string | false
  readonly switch?: boolean
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout?: string
  readonly quiet?: boolean
}

const defaultNodes = 1
const defaultTimeoutSeconds = 60

export async function runUp(context: CliContext, named: string | undefined, options: UpOptions): Promise<void> {
  const name = await up(context, named, options)
  if (!options.quiet) sayNext(context, name)
}

/**
 * @param meanwhile called when the cluster's processes are starting
 * @returns the cluster's name
 */
export async function up(
  context: CliContext,
  named: string | undefined,
  options: UpOptions,
  meanwhile?: () => Promise<unknown>,
): Promise<string> {
  const config = await readConfig(context, options)
  const name = checkClusterName(named ?? config.name ?? defaultClusterName)
  const home = selectHome(context.env, context.homeDir)
  const paths = selectClusterPaths(home, name)
  const steps = createSteps(context, options.quiet)
  using _lock = await lockFile(paths.lock, context.signal)
  const wait = { timeoutMs: readTimeoutMs(options.timeout), ...(options.wait === false && { until: 'control' }) }
  // What is needed only when the cluster runs is loaded while it starts.
  const start = async (): Promise<void> => {
    await Promise.all([startCluster(context, paths, steps, wait), later(), meanwhile?.()])
  }
  const existing = readClusterRecord(home, name)
  const record = existing
    ? await startExisting(context, { home, paths, record: existing, config, start })
    : await createCluster(home, name, config, start)
  await writeKubeconfig(context, home, paths, record, options, steps)
  return name
}

const later = () => Promise.all([import('./apply-kubeconfig.ts'), import('./read-kubeconfig-entry.ts')])

async function readConfig(context: CliContext, options: UpOptions): Promise<ClusterConfig> {
  const findings: string[] = []
  let fromFile: ClusterConfig = {}
  if (options.config !== undefined) {
    const { parseClusterConfig } = await import('./parse-cluster-config.ts')
    const parsed = parseClusterConfig(await readConfigText(context, options.config))
    fromFile = parsed.config
    findings.push(...parsed.findings.map((finding) => `${options.config}: ${finding}`))
  }
  const config: ClusterConfig = {
    ...fromFile,
    ...(options.nodes !== undefined && { nodes: parseNodes(options.nodes, findings) }),
    ...(options.proxyMode !== undefined && { proxyMode: parseProxyMode(options.proxyMode, findings) }),
  }
  if (findings.length > 0)
    throw new CliError(exitCodes.usage, 'the cluster configuration is not valid', {
      cause: findings.join('\n          '),
    })
  return config
}

async function readConfigText(context: CliContext, file: string): Promise<string> {
  if (file === '-') return context.readStdin()
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CliError(
      exitCodes.usage,
      `cannot read the config file ${file}`,
      { cause: (cause as Error).message },
      { cause },
    )
  }
}

interface Existing {
  readonly home: Home
  readonly paths: ClusterPaths
  readonly record: ClusterRecord
  readonly config: ClusterConfig
  readonly start: () => Promise<void>
}

/** How names outside are found may change; what starts from now on reads it, what runs is told. */
async function startExisting(context: CliContext, existing: Existing): Promise<ClusterRecord> {
  const { home, paths, record, config, start } = existing
  refuseChanges(record, config)
  if (config.dns === undefined || isDeepStrictEqual(config.dns, record.dns)) {
    await start()
    return record
  }
  const changed = { ...record, dns: config.dns }
  writeClusterRecord(home, changed)
  const isRunning = findRole(paths, 'control-plane') !== undefined
  await start()
  if (isRunning) await applyDnsSettings(paths, changed, context.signal)
  return changed
}

/** A cluster that does not come up leaves nothing behind. */
async function createCluster(
  home: Home,
  name: string,
  config: ClusterConfig,
  start: () => Promise<void>,
): Promise<ClusterRecord> {
  const paths = selectClusterPaths(home, name)
  const others = listClusterNames(home).flatMap((other) => readClusterRecord(home, other) ?? [])
  refuseSharedPools(config, others)
  refuseMissingFamily(config)
  const taken = new Set(others.map(({ index }) => index))
  for (;;) {
    const record = await makeRecord(name, config, taken)
    writeClusterRecord(home, record)
    try {
      await start()
      return record
    } catch (error) {
      await stopCluster(paths, false)
      const kept = keepLog(paths, home, name)
      await removeTree(paths.dir)
      // Somebody else, with another home, was faster with the same address ranges.
      if (!(error instanceof CliError && error.exitCode === exitCodes.conflict)) throw withLog(error, kept)
      taken.add(record.index)
    }
  }
}

/** The log is what tells why: it stays when the rest of a failed cluster goes. */
function keepLog(paths: ClusterPaths, home: Home, name: string): string | undefined {
  const log = `${paths.logs}/control-plane.log`
  if (!existsSync(log)) return undefined
  const kept = `${home.dir}/failed-${name}.log`
  renameSync(log, kept)
  return kept
}

function withLog(error: unknown, log: string | undefined): unknown {
  if (!(error instanceof CliError) || log === undefined) return error
  return new CliError(error.exitCode, error.message, { ...error.details, log }, { cause: error })
}

async function makeRecord(name: string, config: ClusterConfig, taken: ReadonlySet<number>): Promise<ClusterRecord> {
  const index = await findFreeIndex(taken)
  if (index === undefined) {
    throw new CliError(exitCodes.conflict, 'every address range for clusters is in use', {
      fix: 'frontdesk ls, then frontdesk down NAME',
    })
  }
  return {
    name,
    index,
    nodes: config.nodes ?? defaultNodes,
    ipFamilies: config.ipFamilies ?? (hasIpv6() ? everyFamily : ['IPv4']),
    ...(config.nodeLabels && { nodeLabels: config.nodeLabels }),
    proxyMode: config.proxyMode ?? 'nftables',
    apiPort: await findFreePort('127.0.0.1'),
    registries: config.registries ?? {},
    ...(config.admissionPlugins && { admissionPlugins: config.admissionPlugins }),
    ...(config.dns && { dns: config.dns }),
    ...(config.loadBalancer !== undefined && { loadBalancer: config.loadBalancer }),
  }
}

function refuseSharedPools({ loadBalancer }: ClusterConfig, others: readonly ClusterRecord[]): void {
  const shared = findSharedPool(loadBalancer, others)
  if (!shared) return
  const { pool, other } = shared
  throw new CliError(exitCodes.usage, `the load balancer pool ${pool} meets that of cluster ${other.name}`, {
    cause: `${other.name} has ${loadBalancerPools(other).join(', ')}`,
  })
}

function refuseMissingFamily({ ipFamilies }: ClusterConfig): void {
  if (!ipFamilies?.includes('IPv6') || hasIpv6()) return
  throw new CliError(exitCodes.usage, 'this kernel has no IPv6', { fix: 'leave ipFamilies away, or write [IPv4]' })
}

/** What was decided when the cluster was made stays: anything else asked for is said, not ignored. */
function refuseChanges(record: ClusterRecord, config: ClusterConfig): void {
  const wanted: Pick<ClusterConfig, (typeof decided)[number]> = config
  const known: ClusterRecord = { ...record, ipFamilies: record.ipFamilies ?? ['IPv4'] }
  const changes = decided.filter((key) => wanted[key] !== undefined && !isDeepStrictEqual(wanted[key], known[key]))
  if (changes.length === 0) return
  const cause = changes
    .map((key) => `${key} is ${renderSetting(known[key])}, asked for ${renderSetting(wanted[key])}`)
    .join('; ')
  throw new CliError(exitCodes.conflict, `cluster ${record.name} exists with other settings`, {
    cause,
    fix: `frontdesk down ${record.name}`,
  })
}

const decided = [
  'nodes',
  'ipFamilies',
  'nodeLabels',
  'proxyMode',
  'registries',
  'admissionPlugins',
  'loadBalancer',
] as const

const renderSetting = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'the default')

function readTimeoutMs(text: string | undefined): number {
  if (text === undefined) return defaultTimeoutSeconds * 1000
  const match = /^([0-9]+(?:\.[0-9]+)?)(s|m|)$/.exec(text)
  if (!match) throw new CliError(exitCodes.usage, `${JSON.stringify(text)} is not a time`, { fix: 'write 60s or 2m' })
  return Number(match[1]) * (match[2] === 'm' ? 60_000 : 1000)
}

async function writeKubeconfig(
  context: CliContext,
  home: Home,
  paths: ClusterPaths,
  record: ClusterRecord,
  options: UpOptions,
  steps: Steps,
): Promise<void> {
  if (options.kubeconfig === false) return
  const [{ addToKubeconfig, selectKubeconfigFile }, { readKubeconfigEntry }] = await later()
  const file = options.kubeconfig ?? record.kubeconfig ?? selectKubeconfigFile(context.env, context.homeDir)
  const name = contextName(record.name)
  const change = await addToKubeconfig(file, readKubeconfigEntry(paths.kubeconfig, name), options.switch === true)
  const { kubeconfig: _file, formerContext, ...rest } = record
  const former = change.switched ? change.before : formerContext
  writeClusterRecord(home, { ...rest, kubeconfig: file, ...(former ? { formerContext: former } : {}) })
  if (options.quiet) return
  const was = change.before === '' || change.before === name ? '' : ` (was: ${change.before})`
  const kept = `${name} (current stays ${change.before}; frontdesk up ${record.name} --switch makes it current)`
  steps.note('context', change.switched || change.before === name ? `${name} is current${was}` : kept)
  steps.note('kubeconfig', file)
}

function sayNext(context: CliContext, name: string): void {
  const kubectl = `kubectl --context ${contextName(name)}`
  context.say(`Try:   ${kubectl} get nodes\nStop:  frontdesk stop ${name}    (remove: frontdesk down ${name})`)
}
