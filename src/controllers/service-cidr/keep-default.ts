/** Starts the keeper of the range that the cluster was made with: the ServiceCIDR `kubernetes`. */
import { ServiceCIDR } from '#api/service-cidr.ts'
import { isAlreadyExists } from '#api/status-error.ts'
import { isEqualJson } from '../compare-values.ts'
import type { Controller, ControllerDeps } from '../contract.ts'
import { openResource } from '../owned-resource.ts'
import { startQueue } from '../start-queue.ts'

const name = 'kubernetes'

/** @param wanted one range, or one of each family, primary first */
export function startDefaultCidrKeeper(
  deps: ControllerDeps,
  wanted: readonly string[],
  signal: AbortSignal,
): Controller {
  const cidrs = openResource(deps, ServiceCIDR, signal)

  const reconcile = async () => {
    const found = cidrs.cache.get({ name })
    if (!found) return create()
    const { metadata, spec } = found
    if (metadata.deletionTimestamp || isEqualJson(spec.cidrs, wanted)) return
    if (spec.cidrs?.length === 1 && wanted.length === 2 && spec.cidrs[0] === wanted[0]) return addFamily(found)
    const message = `The default ServiceCIDR ${listed(spec.cidrs)} does not match the flag configurations ${listed(wanted)}`
    deps.recordEvent(found, 'Warning', 'KubernetesDefaultServiceCIDRInconsistent', message)
  }
  const create = async () => {
    try {
      await cidrs.create({ metadata: { name }, spec: { cidrs: [...wanted] } })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }
  const addFamily = async (found: ServiceCIDR) => {
    try {
      await cidrs.update({ ...found, spec: { cidrs: [...wanted] } })
    } catch (error) {
      const change = `from ${listed(found.spec.cidrs)} to dual stack ${listed(wanted)}`
      const message = `The default ServiceCIDR can not be upgraded ${change}: ${String(error)}`
      deps.recordEvent(found, 'Warning', 'KubernetesDefaultServiceCIDRError', message)
      throw error
    }
  }

  const queue = startQueue(deps, { name: 'default-service-cidr', reconcile, caches: [cidrs.cache] }, signal)
  cidrs.cache.onChange(({ before, after }) => {
    if ((after ?? before)!.metadata.name === name) queue.add(name)
  })
  queue.add(name)
  return { name: 'default-service-cidr', idle: () => queue.idle() }
}

const listed = (cidrs: readonly string[] = []): string => `[${cidrs.join(' ')}]`
