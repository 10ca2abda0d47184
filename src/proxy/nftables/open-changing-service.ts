/** For tests: node-1 of a test network with its rules, and there one Service whose endpoints change. */
import { silentLog } from '#observe/log.ts'
import { RouteTracker } from '../desired-routes.ts'
import { openTestNetwork, type TestNetwork } from '../suite/open-test-network.ts'
import { nodes, plan, service, slice, type PodName, type ServiceDraft } from '../suite/packet-case.ts'
import { openNftablesBackend } from './apply-nftables.ts'

export interface ChangingService extends AsyncDisposable {
  readonly network: TestNetwork
  /** Resolves when the kernel has these, and only these. */
  replaceEndpoints(endpoints: readonly PodName[]): Promise<void>
}

export async function openChangingService(draft: ServiceDraft, first: readonly PodName[]): Promise<ChangingService> {
  await using stack = new AsyncDisposableStack()
  const network = stack.use(await openTestNetwork())
  const backend = stack.use(openNode1(network))
  const tracker = new RouteTracker('IPv4', { name: 'node-1' })
  tracker.serviceChanged(undefined, service(draft))
  let before: ReturnType<typeof slice> | undefined
  const replaceEndpoints = async (endpoints: readonly PodName[]): Promise<void> => {
    const after = slice({ endpoints })
    tracker.sliceChanged(before, after)
    before = after
    const { desired, changes } = tracker.collect()
    await backend.sync(desired, changes)
  }
  await replaceEndpoints(first)
  const owned = stack.move()
  return { network, replaceEndpoints, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export function openNode1(network: TestNetwork) {
  const { podCidr } = nodes['node-1']
  const node = { family: 'IPv4', podCidr, serviceCidrs: [plan.serviceCidr], masqueradeAll: false } as const
  return openNftablesBackend({ netlinkFd: network.openNetfilter('node-1'), node, log: silentLog })
}
