/** Counters, gauges and histograms in Prometheus' format, through prom-client. */

export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter
  gauge(name: string, help: string, labels?: readonly string[]): Gauge
  /** @param buckets upper bounds, ascending, in the unit that the name ends with */
  histogram(name: string, help: string, options: { labels?: readonly string[]; buckets: readonly number[] }): Histogram
  /** Calls back before each scrape, for values that are counted rather than kept. */
  beforeExpose(update: () => void): void
  /** Everything, as Prometheus scrapes it. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>
}

export type Labels = Readonly<Record<string, string>>
export interface Counter {
  add(amount: number, labels?: Labels): void
}
export interface Gauge {
  set(value: number, labels?: Labels): void
}
export interface Histogram {
  observe(value: number, labels?: Labels): void
}

/** Asking twice for one name gives the same instrument. The library is loaded here, not at import: it costs 40 ms. */
export async function openMetrics(): Promise<Metrics> {
  const prometheus = await import('prom-client')
  const registry = new prometheus.Registry()
  const updates: (() => void)[] = []
  const instruments = new Map<string, unknown>()
  const once = <T>(name: string, create: () => T): T => {
    if (!instruments.has(name)) instruments.set(name, create())
    return instruments.get(name) as T
  }
  const common = (name: string, help: string, labels: readonly string[] = []) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  return {
    counter: (name, help, labels) =>
      once(name, () => {
        const counter = new prometheus.Counter(common(name, help, labels))
        return { add: (amount, own = {}) => counter.inc(own, amount) }
      }),
    gauge: (name, help, labels) =>
      once(name, () => {
        const gauge = new prometheus.Gauge(common(name, help, labels))
        return { set: (value, own = {}) => gauge.set(own, value) }
      }),
    histogram: (name, help, { labels, buckets }) =>
      once(name, () => {
        const histogram = new prometheus.Histogram({ ...common(name, help, labels), buckets: [...buckets] })
        return { observe: (value, own = {}) => histogram.observe(own, value) }
      }),
    beforeExpose: (update) => void updates.push(update),
    expose: async () => {
      for (const update of updates) update()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
