/** A small HTTP server that says whether a process is well, and gives its metrics. */
import http from 'node:http'
import type { Metrics } from './metrics.ts'

/** Port 0: any free one. `fd`: a bound TCP socket, taken over. */
export type HealthPlace = { readonly host: string; readonly port: number } | { readonly fd: number }

export interface HealthOptions {
  readonly place: HealthPlace
  /** Named conditions; each says what is wrong, or nothing. */
  readonly checks: Readonly<Record<string, () => string | undefined>>
  readonly metrics?: Pick<Metrics, 'expose'>
  /** Further paths; an error becomes status 500 with its message. */
  readonly routes?: Readonly<Record<string, (url: URL) => Promise<Answer>>>
}

export interface HealthServer extends AsyncDisposable {
  readonly port: number
}

/** `/livez` answers as long as the process runs; `/readyz` and `/healthz` when all checks pass; `?verbose` lists them. */
export async function serveHealth(options: HealthOptions, signal: AbortSignal): Promise<HealthServer> {
  const server = http.createServer((request, response) => {
    answer(options, new URL(request.url ?? '/', 'http://health')).then(
      ({ status, type = 'text/plain; charset=utf-8', text }) =>
        response.writeHead(status, { 'content-type': type }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.place, resolve)
  })
  const address = server.address()
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  if (signal.aborted) await close()
  else signal.addEventListener('abort', () => void close(), { once: true })
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    [Symbol.asyncDispose]: close,
  }
}

export interface Answer {
  readonly status: number
  readonly type?: string
  readonly text: string
}

async function answer({ checks, metrics, routes }: HealthOptions, url: URL): Promise<Answer> {
  const own = routes?.[url.pathname]
  if (own) return own(url)
  switch (url.pathname) {
    case '/livez':
      return { status: 200, text: 'ok' }
    case '/healthz':
    case '/readyz':
      return readiness(checks, url)
    case '/metrics': {
      if (!metrics) break
      const { contentType, text } = await metrics.expose()
      return { status: 200, type: contentType, text }
    }
  }
  return { status: 404, text: '404 page not found\n' }
}

function readiness(checks: HealthOptions['checks'], url: URL): Answer {
  const results = Object.entries(checks).map(([name, check]) => ({ name, problem: check() }))
  const failed = results.some(({ problem }) => problem !== undefined)
  const lines = results.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  )
  const path = url.pathname.slice(1)
  if (failed) return { status: 503, text: `${lines.join('\n')}\n${path} check failed\n` }
  return { status: 200, text: url.searchParams.has('verbose') ? `${lines.join('\n')}\n${path} check passed\n` : 'ok' }
}
