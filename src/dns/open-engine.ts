/** An engine whose ways out are real ones; made alike in every thread, from settings that can be handed over. */
import { randomInt } from 'node:crypto'
import { systemClock } from '#lib/clock.ts'
import type { Log } from '#observe/log.ts'
import { createEngine, type Engine, type EngineOptions } from './engine.ts'
import { openResolvConf } from './open-resolv-conf.ts'
import { runExchange } from './run-exchange.ts'
import { selectUpstreams, type StubDomains } from './select-upstreams.ts'

export interface ServerSettings extends Pick<
  EngineOptions,
  'clusterDomain' | 'ownRanges' | 'endsSearches' | 'ownAddresses'
> {
  /** The file that names the host's search domains, and the servers for names outside; looked at again when it changes. */
  readonly resolvConf: string
  readonly stubDomains: StubDomains
}

export function openEngine(settings: ServerSettings, log: Log): Engine {
  const host = openResolvConf(settings.resolvConf, systemClock)
  return createEngine({
    ...settings,
    hostSearches: () => host().searches,
    upstreams: selectUpstreams(settings.stubDomains, () => host().servers),
    exchange: runExchange,
    randomId: () => randomInt(0x10000),
    clock: systemClock,
    log,
  })
}
