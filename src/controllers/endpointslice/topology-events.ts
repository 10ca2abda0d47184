/** Tells about a Service when zone hints come, go, or cannot be given: once for each change. */
import type { Service } from '#api/service.ts'
import type { EventRecorder } from '#client/contract.ts'
import type { HintedEndpoints } from './topology-mode.ts'

export interface TopologyEvents {
  /** @param families absent when the Service does not ask for hints */
  tell(key: string, service: Service, families: readonly HintedEndpoints[] | undefined): void
  forget(key: string): void
}

const enabled = 'Topology Aware Hints has been enabled'
const disabled = 'Topology Aware Hints has been disabled'

export function topologyEvents(recordEvent: EventRecorder): TopologyEvents {
  /** By Service and family: what was last told. */
  const told = new Map<string, Map<string, string>>()
  return {
    tell: (key, service, families) => {
      const before = told.get(key) ?? new Map<string, string>()
      const now = new Map((families ?? []).map(({ desired, problem }) => [desired.family, problem ?? enabled]))
      for (const [family, message] of before) {
        if (!now.has(family as never) && message === enabled) record(recordEvent, service, family, disabled)
      }
      for (const [family, message] of now) {
        if (before.get(family) !== message) record(recordEvent, service, family, message)
      }
      if (now.size > 0) told.set(key, now)
      else told.delete(key)
    },
    forget: (key) => void told.delete(key),
  }
}

function record(recordEvent: EventRecorder, service: Service, family: string, message: string): void {
  const text = `${message}, addressType: ${family}`
  if (message === enabled) recordEvent(service, 'Normal', 'TopologyAwareHintsEnabled', text)
  else recordEvent(service, 'Warning', 'TopologyAwareHintsDisabled', text)
}
