/** Says on a Service that a node cannot serve its health check, under kube-proxy's reason. */
import type { Service } from '#api/service.ts'
import type { EventRecorder, Informer } from '#client/contract.ts'
import type { HealthCheck } from './desired-health-checks.ts'

export const tellOfCheck =
  (record: EventRecorder, services: Pick<Informer<Service>, 'get'>, nodeName: string) =>
  ({ namespace, name, port }: HealthCheck, error: unknown): void => {
    const service = services.get({ namespace, name })
    if (!service) return
    const message = `Node ${nodeName} cannot serve the health check on port ${port}: ${(error as Error).message}`
    record(service, 'Warning', 'FailedToStartServiceHealthcheck', message)
  }
