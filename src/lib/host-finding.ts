/** What trying something on this host showed. */
export interface HostFinding {
  readonly group: 'needed' | 'optional'
  readonly check: string
  /** `ok`; `degraded`: works, but something is lost; `missing`: does not work. */
  readonly result: 'ok' | 'degraded' | 'missing'
  /** What was seen. */
  readonly detail: string
  /** The feature that is lost. */
  readonly lost?: string
  /** One command, or one sentence, that mends it. */
  readonly fix?: string
}
