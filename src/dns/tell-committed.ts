/**
 * Tells which EndpointSlices names are answered from, so that a pod is stopped only when no name of a headless Service
 * leads to it any more. See docs/decisions/0010-pods-stop-after-their-routes.md.
 */
import { sliceVersion, withdrawsPods } from '#api/committed-routes.ts'
import { type EndpointSlice, headlessLabel } from '#api/endpoint-slice.ts'
import type { Informer } from '#client/contract.ts'

/** To be called after the zone follows `slices`: an event is in the zone when its later handlers are called. */
export function tellCommitted(
  slices: Pick<Informer<EndpointSlice>, 'onChange' | 'synced'>,
  publish: (version: number) => void,
): void {
  let seenVersion = 0
  let isSynced = false
  slices.onChange(({ before, after }) => {
    if (after) seenVersion = Math.max(seenVersion, sliceVersion(after))
    if (isSynced && isHeadless((after ?? before)!) && withdrawsPods(before, after)) publish(seenVersion)
  })
  slices.synced.then(
    () => {
      isSynced = true
      publish(seenVersion)
    },
    // stopped before: there is nothing to tell
    () => {},
  )
}

/** Names of other Services lead to no pod. */
const isHeadless = ({ metadata }: EndpointSlice): boolean => metadata.labels?.[headlessLabel] !== undefined
