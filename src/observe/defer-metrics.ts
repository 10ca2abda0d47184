/** Metrics that can be used before the library behind them is loaded, so that nobody's start waits for it. */
import type { Metrics } from './metrics.ts'

export interface DeferredMetrics extends Metrics {
  /** Loads the library; what was told until then is told to it. A scrape does so, too. */
  open(): Promise<void>
}

/** To be opened soon: until then everything that is told is kept. */
export function deferMetrics(load: () => Promise<Metrics>): DeferredMetrics {
  let metrics: Metrics | undefined
  let opening: Promise<Metrics> | undefined
  let waiting: ((metrics: Metrics) => void)[] = []
  const open = (): Promise<Metrics> =>
    (opening ??= load().then((opened) => {
      for (const tell of waiting) tell(opened)
      waiting = []
      return (metrics = opened)
    }))

  const later = (tell: (metrics: Metrics) => void): void => {
    if (metrics) tell(metrics)
    else waiting.push(tell)
  }
  const instrument = <T>(create: (metrics: Metrics) => T): ((tell: (instrument: T) => void) => void) => {
    let made: T | undefined
    later((opened) => (made = create(opened)))
    return (tell) => {
      if (made) tell(made)
      else waiting.push(() => tell(made!))
    }
  }

  return {
    open: async () => void (await open()),
    counter: (...args) => {
      const on = instrument((opened) => opened.counter(...args))
      return { add: (amount, labels) => on((counter) => counter.add(amount, labels)) }
    },
    gauge: (...args) => {
      const on = instrument((opened) => opened.gauge(...args))
      return { set: (value, labels) => on((gauge) => gauge.set(value, labels)) }
    },
    histogram: (...args) => {
      const on = instrument((opened) => opened.histogram(...args))
      return { observe: (value, labels) => on((histogram) => histogram.observe(value, labels)) }
    },
    beforeExpose: (update) => later((opened) => opened.beforeExpose(update)),
    expose: async () => (await open()).expose(),
  }
}
