/**
 * The HTTP servers of a proxy inside its node's namespace: its own health on 10256, metrics on 127.0.0.1:10249, and one
 * per Service with a healthCheckNodePort, by which load balancers find nodes with endpoints.
 */
import http from 'node:http'
import type { Log } from '#observe/log.ts'
import type { Metrics } from '#observe/metrics.ts'
import type { HealthCheck } from './desired-health-checks.ts'
import type { ProxyHealth } from './proxy-health.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import type { ProxyObserver, SyncResult } from './start-proxy.ts'

export const healthzPort = 10256
export const metricsPort = 10249

export interface ProxyServersOptions {
  /** A bound TCP socket in the node's namespace (`NamespaceBroker.openTcpListener`). */
  readonly listen: (address: string, port: number) => Promise<number>
  /** `0.0.0.0` or `::`. */
  readonly anyAddress: string
  /** Where node ports answer; health check node ports are served there alone. Absent: everywhere. */
  readonly nodePortAddresses?: readonly string[]
  readonly health: ProxyHealth
  readonly mode: string
  readonly log: Log
  /** Told once when a health check cannot be served; it is tried again until it can. */
  readonly onCheckFailure?: (check: HealthCheck, error: unknown) => void
  /** How soon a port that was taken is tried again. */
  readonly retryMs?: number
}

export interface ProxyServersMetrics {
  readonly registry: Metrics
  readonly own: ProxyMetrics
}

interface Reply {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Give it to `startProxy` as an observer. A port that is taken is tried again after each sync, and every second. */
export class ProxyServers implements ProxyObserver, AsyncDisposable {
  readonly #options: ProxyServersOptions
  /** By `namespace/name`: what is served. */
  readonly #checks = new Map<string, { check: HealthCheck; readonly servers: http.Server[] }>()
  /** What is wanted but could not be opened, by the same name: its port. */
  readonly #failed = new Map<string, number>()
  #wanted: ReadonlyMap<string, HealthCheck> = new Map()
  #retry: NodeJS.Timeout | undefined
  readonly #own: http.Server[] = []
  #work: Promise<void> = Promise.resolve()
  #isOpen = true
  #metrics: ProxyServersMetrics | undefined

  constructor(options: ProxyServersOptions) {
    this.#options = options
  }

  /** Health and metrics of the proxy itself. Ports that are taken are said in the log: traffic does not need them. */
  async open(metrics?: ProxyServersMetrics): Promise<void> {
    this.#metrics = metrics
    const { anyAddress, log } = this.#options
    for (const [address, port, answer] of [
      [anyAddress, healthzPort, (url: string) => this.#answerHealth(url)],
      [anyAddress === '::' ? '::1' : '127.0.0.1', metricsPort, (url: string) => this.#answerMetrics(url)],
    ] as const) {
      try {
        this.#own.push(await this.#serve(address, port, answer))
      } catch (error) {
        log.warn({ err: error, address, port }, 'Cannot serve the health of the Service proxy')
      }
    }
  }

  synced({ healthChecks }: SyncResult): void {
    this.#wanted = healthChecks
    this.#reconcileSoon()
  }

  #reconcileSoon(): void {
    const { log, retryMs = 1_000 } = this.#options
    clearTimeout(this.#retry)
    this.#work = this.#work
      .then(() => this.#reconcile(this.#wanted))
      .catch((error: unknown) => log.error({ err: error }, 'Cannot serve health checks of Services'))
      .finally(() => {
        clearTimeout(this.#retry)
        if (this.#failed.size > 0 && this.#isOpen) {
          this.#retry = setTimeout(() => this.#reconcileSoon(), retryMs).unref()
        }
      })
  }

  /** Resolves when the servers match the sync seen last. */
  settled(): Promise<void> {
    return this.#work
  }

  async #reconcile(wanted: ReadonlyMap<string, HealthCheck>): Promise<void> {
    for (const [key, { check, servers }] of this.#checks) {
      if (wanted.get(key)?.port === check.port) continue
      this.#checks.delete(key)
      await Promise.all(servers.map(closeServer))
    }
    for (const [key, port] of this.#failed) if (wanted.get(key)?.port !== port) this.#failed.delete(key)
    for (const [key, check] of wanted) {
      const known = this.#checks.get(key)
      if (known) known.check = check
      else if (this.#isOpen) await this.#openCheck(key, check)
    }
  }

  async #openCheck(key: string, check: HealthCheck): Promise<void> {
    const { anyAddress, nodePortAddresses, log, onCheckFailure } = this.#options
    const addresses = nodePortAddresses?.map((range) => range.split('/')[0]!) ?? [anyAddress]
    const servers: http.Server[] = []
    const entry = { check, servers }
    try {
      for (const address of addresses) {
        servers.push(await this.#serve(address, check.port, async () => this.#answerCheck(entry.check)))
      }
      this.#checks.set(key, entry)
      this.#failed.delete(key)
    } catch (error) {
      await Promise.all(servers.map(closeServer))
      if (this.#failed.get(key) === check.port) return
      this.#failed.set(key, check.port)
      log.warn({ err: error, service: key, port: check.port }, 'Cannot serve the health check of a Service')
      onCheckFailure?.(check, error)
    }
  }

  #answerCheck({ namespace, name, localEndpoints }: HealthCheck): Reply {
    const isWorking = this.#options.health.isWorking
    const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: isWorking }
    return {
      status: localEndpoints > 0 && isWorking ? 200 : 503,
      body: `${JSON.stringify(body, undefined, '\t')}\n`,
      headers: { 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
    }
  }

  async #answerHealth(url: string): Promise<Reply> {
    const path = url.split('?')[0]
    if (path !== '/healthz' && path !== '/livez') return notFound
    const { healthy, body } = this.#options.health[path === '/healthz' ? 'healthz' : 'livez']()
    const status = healthy ? 200 : 503
    this.#metrics?.own.answered(path === '/healthz' ? 'healthz' : 'livez', status)
    return { status, body }
  }

  async #answerMetrics(url: string): Promise<Reply> {
    const metrics = this.#metrics
    const path = url.split('?')[0]
    if (path === '/proxyMode') return { status: 200, body: this.#options.mode, headers: plainText }
    if (path === '/healthz') return { status: 200, body: 'ok', headers: plainText }
    if (path !== '/metrics' || !metrics) return notFound
    const { contentType, text } = await metrics.registry.expose()
    return { status: 200, body: text, headers: { 'Content-Type': contentType } }
  }

  async #serve(address: string, port: number, answer: (url: string) => Promise<Reply>): Promise<http.Server> {
    const fd = await this.#options.listen(address, port)
    const server = http.createServer((request, response) => {
      answer(request.url ?? '/').then(
        ({ status, body, headers }) => response.writeHead(status, { ...commonHeaders, ...headers }).end(body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ fd }, resolve)
    })
    return server.unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false
    clearTimeout(this.#retry)
    await this.#work
    const checks = [...this.#checks.values()].flatMap(({ servers }) => servers)
    await Promise.all([...this.#own.splice(0), ...checks].map(closeServer))
    this.#checks.clear()
  }
}

const commonHeaders = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }
const plainText = { 'Content-Type': 'text/plain; charset=utf-8' }
const notFound: Reply = { status: 404, body: '404 page not found\n', headers: plainText }

function closeServer(server: http.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
