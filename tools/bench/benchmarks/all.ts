import type { Benchmark } from '../benchmark.ts'
import { chainPerService } from './chain-per-service.ts'
import { connections } from './connections.ts'
import { dns } from './dns.ts'
import { firstConnection } from './first-connection.ts'
import { idle } from './idle.ts'
import { proxy } from './proxy.ts'
import { rollout } from './rollout.ts'
import { startUp } from './start-up.ts'

export const benchmarks: readonly Benchmark[] = [
  startUp,
  idle,
  firstConnection,
  proxy,
  chainPerService,
  connections,
  dns,
  rollout,
]
